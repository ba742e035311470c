import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import { systemClock } from '../../shared/web/clock.ts'
import { states } from '../gateway/shelf.ts'
import { openRelay, type Relay, smallest } from '../support/relay.ts'

let relay: Relay
/** Milliseconds by which the relay's clock runs ahead. */
let ahead = 0
const clock = { ...systemClock, now: () => Date.now() + ahead }
/** Milliseconds by which the gateway's clock runs ahead. */
let gatewayAhead = 0
const MINUTE = 60_000

let names = 0
const fresh = () => ({ ...smallest, name: `web-${++names}` })
const keyed = (key: string) => ({ headers: { 'idempotency-key': key } })
const creates = () =>
  relay.gateway.received.filter(({ action }) => action === 'createServerImageFromSnapshot')
const own = () => relay.gateway.images.all().filter(({ no }) => Number(no) >= 30000001)

beforeAll(async () => {
  relay = await openRelay({ clock, gateway: { now: () => Date.now() + gatewayAhead } })
})
afterAll(() => relay.close())
beforeEach(() => {
  ahead = 0
  gatewayAhead = 0
  relay.gateway.reset()
})

describe('a create', () => {
  test('makes an image and returns its Location', async () => {
    const body = { ...fresh(), description: 'nightly', notify: ['ops'] }
    const { status, headers, json } = await relay.create(body)
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`/v1/operations/${json.operationId}`)
    expect(headers.get('idempotent-replayed')).toBeNull()
    expect(json).toMatchObject({
      operationId: expect.stringMatching(/^op_[0-9a-f]{32}$/),
      status: 'ready',
      name: body.name,
      regionCode: 'KR',
      caller: 'key:ci',
      attempt: 1,
      problem: null,
      image: { name: body.name, description: 'nightly', phase: 'ready', hypervisor: 'KVM' },
    })
    expect(json.history.map(({ status }: { status: string }) => status)).toEqual([
      'accepted',
      'sending',
      'ready',
    ])
    const followed = await relay.request(headers.get('location') ?? '')
    expect(followed.json).toEqual(json)
  })

  test('is sent once, as a form, after one look-up by name', async () => {
    const body = {
      ...fresh(),
      description: 'a & b + 100% "q" \'s\' 이미지',
      regionCode: 'KR',
      storages: [
        { snapshotNo: '12344697', sizeGb: 50 },
        { snapshotNo: '12344698', sizeGb: 100, volumeType: 'CB2' },
        { sizeGb: 50, volumeType: 'FB1' },
      ],
    }
    expect((await relay.create(body)).status).toBe(201)
    const [lookUp, create] = relay.gateway.received
    expect(lookUp).toMatchObject({ method: 'GET', action: 'getServerImageList' })
    expect(relay.gateway.received).toHaveLength(2)
    expect(create?.target).toBe('/vserver/v2/createServerImageFromSnapshot')
    // The parameter names, rules and numbering of NAVER Cloud's document.
    expect(create?.parameters).toEqual({
      regionCode: 'KR',
      serverImageName: body.name,
      serverImageDescription: expect.stringMatching(
        /^a & b \+ 100% "q" 's' 이미지 \[relay:[0-9a-f]{16}\]$/,
      ),
      'blockStorageList.1.order': '0',
      'blockStorageList.1.snapshotInstanceNo': '12344697',
      'blockStorageList.1.blockStorageSize': '50',
      'blockStorageList.2.order': '1',
      'blockStorageList.2.snapshotInstanceNo': '12344698',
      'blockStorageList.2.blockStorageSize': '100',
      'blockStorageList.2.blockStorageVolumeTypeCode': 'CB2',
      'blockStorageList.3.order': '2',
      'blockStorageList.3.blockStorageSize': '50',
      'blockStorageList.3.blockStorageVolumeTypeCode': 'FB1',
      'blockStorageList.3.emptyBlockStorage': 'true',
      responseFormatType: 'json',
    })
  })

  test('waits for the image as long as the caller prefers', async () => {
    const slow = await openRelay({ gateway: { readyAfterMs: 1_500 } })
    const { status, json, headers } = await slow.create(fresh(), { headers: { prefer: 'wait=5' } })
    await slow.close()
    expect([status, json.image.phase]).toEqual([201, 'ready'])
    expect(headers.get('preference-applied')).toBe('wait=5')
    expect(headers.get('retry-after')).toBeNull()
  })

  test('of a pending image has a Retry-After header', async () => {
    const slow = await openRelay({ gateway: { readyAfterMs: 60_000 } })
    const { status, json, headers } = await slow.create(fresh())
    await slow.close()
    expect([status, json.status, headers.get('retry-after')]).toEqual([201, 'pending', '5'])
  })

  test('has one line of plain text with the phase of the image', async () => {
    const body = fresh()
    const headers = { accept: 'text/plain' }
    const { text } = await relay.create(body, { headers })
    expect(text).toMatch(new RegExp(`^op_[0-9a-f]{32} ready ${body.name} 3000000\\d\n$`))
  })

  test('has one line of plain text with failed when its image has failed', async () => {
    const slow = await openRelay({ gateway: { readyAfterMs: 60_000 }, clock })
    const { json } = await slow.create(fresh())
    slow.gateway.images.change(json.image.imageNo, { state: states.createFailed })
    ahead = 6_000
    const headers = { accept: 'text/plain' }
    const { text } = await slow.request(`/v1/operations/${json.operationId}`, { headers })
    await slow.close()
    expect(text).toBe(`${json.operationId} failed ${json.name} ${json.image.imageNo}\n`)
  })

  test('that the gateway refuses has the gateway’s message and makes nothing', async () => {
    const body = { ...fresh(), storages: [{ snapshotNo: '12344698' }] }
    const { status, json } = await relay.create(body)
    expect([status, json.code, json.outcome, json.retryable]).toEqual([
      422,
      'upstream-refused',
      'not-applied',
      false,
    ])
    expect(json.upstream).toMatchObject({ action: 'createServerImageFromSnapshot', status: 400 })
    expect(json.upstream.message).toMatch(/bootable/i)
    const operation = await relay.request(`/v1/operations/${json.operationId}`)
    expect(operation.json).toMatchObject({ status: 'rejected', problem: { code: json.code } })
    expect(own()).toEqual([])
  })

  test('gives 503 on a relay without a store', async () => {
    const withoutStore = await openRelay({ store: false })
    const answers = [
      await withoutStore.create(fresh()),
      await withoutStore.request('/v1/operations'),
      await withoutStore.request(`/v1/operations/op_${'0'.repeat(32)}`),
    ]
    expect((await withoutStore.request('/v1/images/12341457')).status).toBe(200)
    await withoutStore.close()
    for (const { status, json } of answers) {
      expect([status, json.code]).toEqual([503, 'not-configured'])
    }
  })
})

describe('a repeated create', () => {
  test.each([
    ['without a key', {}],
    ['with a bare key', keyed('build-1')],
    ['with a quoted key', keyed('"build-2"')],
  ])('%s is the same operation', async (_, asked) => {
    const body = fresh()
    const first = await relay.create(body, asked)
    const second = await relay.create(body, asked)
    expect([first.status, second.status]).toEqual([201, 200])
    expect(second.headers.get('idempotent-replayed')).toBe('true')
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    expect(second.json.operationId).toBe(first.json.operationId)
    expect(creates()).toHaveLength(1)
  })

  test('is the same operation with a bare and with a quoted key', async () => {
    const body = fresh()
    const first = await relay.create(body, keyed('same-"key\\'))
    const second = await relay.create(body, keyed('"same-\\"key\\\\"'))
    expect(second.json.operationId).toBe(first.json.operationId)
  })

  test('may differ in order, Unicode form and defaults', async () => {
    const { name } = fresh()
    const first = await relay.create(
      { ...smallest, name, description: 'caf\u00e9', notify: ['ops', 'audit'] },
      keyed('k-3'),
    )
    const second = await relay.create(
      {
        notify: ['audit', 'ops'],
        storages: [{ snapshotNo: '12344697' }],
        regionCode: 'KR',
        description: 'cafe\u0301',
        name,
      },
      keyed('k-3'),
    )
    expect([second.status, second.json.operationId]).toEqual([200, first.json.operationId])
  })

  test('under an explicit key with other content gives 422', async () => {
    const body = fresh()
    await relay.create(body, keyed('k-4'))
    for (const other of [
      { ...body, description: 'x' },
      fresh(),
      { ...body, regionCode: 'JPN' },
      { ...body, notify: ['ops'] },
    ]) {
      const { status, json } = await relay.create(other, keyed('k-4'))
      expect([status, json.code, json.outcome]).toEqual([
        422,
        'idempotency-key-reused',
        'not-applied',
      ])
      expect(json.operationId).toBeUndefined()
    }
    expect(creates()).toHaveLength(1)
  })

  test('from another caller is another operation', async () => {
    const first = await relay.create(fresh(), keyed('k-5'))
    const second = await relay.create(fresh(), { as: 'other', ...keyed('k-5') })
    expect(second.status).toBe(201)
    expect(second.json.operationId).not.toBe(first.json.operationId)
  })

  test('replays the first problem of a rejected create under a key, and starts a new operation without one', async () => {
    const body = { ...fresh(), storages: [{ snapshotNo: '12344698' }] }
    const first = await relay.create(body, keyed('k-6'))
    const second = await relay.create(body, keyed('k-6'))
    const { requestId: _, ...problem } = first.json
    expect(second.json).toMatchObject(problem)
    expect(creates()).toHaveLength(1)
    const [third, fourth] = [await relay.create(body), await relay.create(body)]
    expect(third.json.code).toBe('upstream-refused')
    expect(fourth.json.operationId).not.toBe(third.json.operationId)
    expect(creates()).toHaveLength(3)
  })

  test('that waits for the first one gets the same refusal', async () => {
    const arrived = Promise.withResolvers<void>()
    const repeated = Promise.withResolvers<void>()
    const send = httpTransport()
    const slow = await openRelay({
      async transport(request, timeoutMs) {
        if (request.method === 'POST') {
          arrived.resolve()
          await repeated.promise
        }
        return send(request, timeoutMs)
      },
    })
    const body = { ...fresh(), storages: [{ snapshotNo: '12344698' }] }
    const first = slow.create(body, keyed('twice'))
    await arrived.promise
    const second = slow.create(body, { headers: { ...keyed('twice').headers, prefer: 'wait=2' } })
    setTimeout(repeated.resolve, 200)
    const answers = await Promise.all([first, second])
    await slow.close()
    expect(answers.map(({ status, json }) => [status, json.code, json.outcome])).toEqual([
      [422, 'upstream-refused', 'not-applied'],
      [422, 'upstream-refused', 'not-applied'],
    ])
  })

  test('makes one image when sent 200 times at once', async () => {
    const body = fresh()
    const answers = await Promise.all(Array.from({ length: 200 }, () => relay.create(body)))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 201)).toHaveLength(1)
    expect(statuses.filter((status) => ![200, 201, 202].includes(status))).toEqual([])
    expect(new Set(answers.map(({ json }) => json.operationId)).size).toBe(1)
    expect(own()).toHaveLength(1)
    expect(relay.gateway.received.length).toBeLessThan(10)
  })
})

test.each<[string, object]>([
  ['a missing scope', { as: 'reader' }],
  ['a bad body', { body: '{' }],
  ['a bad key', keyed('')],
  ['an invalid field', { body: { name: 'X' } }],
  ['the wrong prefix', { as: 'prefixed', body: { ...smallest, name: 'db-1' } }],
])('a create refused for %s has the outcome not-applied', async (_, asked) => {
  const { json } = await relay.request('/v1/server-images', {
    method: 'POST',
    body: fresh(),
    ...asked,
  })
  expect(json.outcome).toBe('not-applied')
})

describe('a name', () => {
  test.each([
    ['other content without a key', { ...smallest, description: 'other' }, {}],
    ['any key', smallest, keyed('k-7')],
    ['an administrator', smallest, { as: 'admin' }],
  ])(
    'in use is taken for %s, and the reply has the operation and its time',
    async (_, content, asked) => {
      const { name } = fresh()
      const { operationId, updatedAt } = (await relay.create({ ...smallest, name })).json
      const { status, json } = await relay.create({ ...content, name }, asked)
      expect([status, json.code, json.outcome]).toEqual([409, 'name-taken', 'not-applied'])
      expect(json.operationId).toBe(operationId)
      expect(json.detail).toBe(
        `The name is in use by operation ${operationId} (ready since ${updatedAt}). Choose another name`,
      )
      expect(creates()).toHaveLength(1)
    },
  )

  test('in use is taken for another caller, and the reply does not have the operation id', async () => {
    const { name } = fresh()
    const { operationId, updatedAt } = (await relay.create({ ...smallest, name })).json
    const { json } = await relay.create({ ...smallest, name }, { as: 'other' })
    expect(json.code).toBe('name-taken')
    expect(JSON.stringify(json)).not.toContain(operationId)
    expect(json.detail).toContain(`another caller's operation (ready since ${updatedAt})`)
  })

  test('of an image that the relay did not make is refused with the image number', async () => {
    const { name } = fresh()
    const { no } = relay.gateway.images.add({ name })
    const { status, json } = await relay.create({ ...smallest, name })
    expect([status, json.code]).toEqual([409, 'name-taken'])
    expect(json.detail).toMatch(new RegExp(`^The name is in use by image ${no} \\(ready, created `))
  })

  test('is free in another region', async () => {
    const body = fresh()
    await relay.create(body)
    relay.gateway.snapshots.add({ no: '5', region: 'JPN' })
    const storages = [{ snapshotNo: '5' }]
    const { status } = await relay.create({ ...body, regionCode: 'JPN', storages })
    expect(status).toBe(201)
  })

  test('is free again when its image failed', async () => {
    const body = fresh()
    const first = await relay.create(body)
    relay.gateway.images.change(first.json.image.imageNo, { state: states.createFailed })
    const second = await relay.create(body)
    expect(second.status).toBe(201)
    expect(second.json.operationId).not.toBe(first.json.operationId)
    const failed = await relay.request(first.headers.get('location') ?? '')
    expect(failed.json.image.phase).toBe('failed')
  })

  test('of a missing image is free only after 15 minutes by the gateway’s clock', async () => {
    const body = fresh()
    const first = await relay.create(body)
    relay.gateway.images.delete(first.json.image.imageNo)
    // One hour by the relay's own clock proves nothing.
    ahead = 60 * MINUTE
    expect((await relay.create(body)).status).toBe(200)
    gatewayAhead = 14 * MINUTE
    expect((await relay.create(body)).status).toBe(200)
    gatewayAhead = 16 * MINUTE
    const second = await relay.create({ ...body, description: 'anew' })
    expect(second.status).toBe(201)
    const gone = await relay.request(first.headers.get('location') ?? '')
    expect(gone.json.image.phase).toBe('gone')
  })

  test('of an image that the relay did not make rejects the operation before it is sent', async () => {
    const body = fresh()
    relay.gateway.images.add({ name: body.name })
    const { status, json } = await relay.create(body)
    expect([status, json.code]).toEqual([409, 'name-taken'])
    expect((await relay.request(`/v1/operations/${json.operationId}`)).json.status).toBe('rejected')
    expect(creates()).toEqual([])
  })

  test.each([
    ['failed', { state: states.createFailed }],
    ['belongs to NCP', { type: 'NCP' }],
  ])('of an image that %s is free', async (_, image) => {
    const body = fresh()
    relay.gateway.images.add({ name: body.name, ...image })
    expect((await relay.create(body)).status).toBe(201)
  })
})

test('a relay that lost its database adopts its earlier image and makes no second one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lost-'))
  const before = await openRelay({ database: join(folder, 'before.sqlite') })
  const after = await openRelay({
    database: join(folder, 'after.sqlite'),
    environment: { NCLOUD_API_GW: before.gateway.origin },
  })
  const body = { ...fresh(), description: 'nightly' }
  const first = await before.create(body)
  const second = await after.create(body)
  const images = before.gateway.images.all().filter(({ name }) => name === body.name)
  await Promise.all([before.close(), after.close()])
  await rm(folder, { recursive: true })
  expect([second.status, second.json.image.imageNo]).toEqual([201, first.json.image.imageNo])
  expect(second.json.history.at(-1)).toMatchObject({ status: 'ready', reason: 'adopted' })
  expect(second.json.attempt).toBe(0)
  expect(images).toHaveLength(1)
})

test('an image with the marker but another snapshot is neither adopted nor duplicated', async () => {
  const body = fresh()
  const first = await relay.create(body)
  const other = await openRelay()
  other.gateway.images.add({ ...relay.gateway.images.find(first.json.image.imageNo), no: '78' })
  const { status, json } = await other.create({ ...body, storages: [{ snapshotNo: '77' }] })
  expect([status, json.code]).toEqual([409, 'name-taken'])
  expect((await other.create(body)).json.image.imageNo).toBe('78')
  await other.close()
})

describe('the quota of a key', () => {
  test('counts new claims of a UTC day, not repeats, dry runs or refusals before the claim', async () => {
    const limited = { as: 'limited' }
    // Five seconds after the next midnight UTC.
    ahead = Math.ceil(Date.now() / 86_400_000) * 86_400_000 + 5_000 - Date.now()
    const body = fresh()
    const rejected = { ...fresh(), storages: [{ snapshotNo: '12344698' }] }
    expect((await relay.create(body, limited)).status).toBe(201)
    expect((await relay.create(body, limited)).status).toBe(200)
    expect((await relay.create(fresh(), { as: 'limited', ...keyed('a b') })).status).toBe(400)
    expect((await relay.create({ ...body, description: 'x' }, limited)).status).toBe(409)
    const dry = '/v1/server-images?dryRun=true'
    expect((await relay.request(dry, { method: 'POST', body: fresh(), ...limited })).status).toBe(
      200,
    )
    expect((await relay.create(rejected, limited)).status).toBe(422)
    expect((await relay.create(fresh(), limited)).status).toBe(201)

    const { status, json, headers } = await relay.create(fresh(), limited)
    expect([status, json.code, json.retryable, json.outcome]).toEqual([
      429,
      'quota-exceeded',
      true,
      'not-applied',
    ])
    expect(json.detail).toBe(
      'Daily limit of 3 creations reached; the next is possible at 00:00 UTC (09:00 KST/JST)',
    )
    const wait = Number(headers.get('retry-after'))
    expect(wait).toBeGreaterThan(86_400 - 60)
    expect(wait).toBeLessThanOrEqual(86_400 - 5)
    ahead += wait * 1_000
    expect((await relay.create(fresh(), limited)).status).toBe(201)
  })
})

describe('a create that cannot be sent yet', () => {
  test('is accepted, and sent by a repeat when it is due', async () => {
    relay.gateway.inject({ fault: 'throttled-date', action: 'createServerImageFromSnapshot' })
    const body = fresh()
    const first = await relay.create(body)
    expect([first.status, first.json.status, first.json.attempt]).toEqual([202, 'accepted', 1])
    expect(first.json.problem).toEqual({
      code: 'upstream-throttled',
      detail: expect.any(String),
      upstream: expect.any(Object),
    })
    expect(['1', '2']).toContain(first.headers.get('retry-after'))
    const early = await relay.create(body)
    expect([early.status, early.json.status]).toEqual([202, 'accepted'])
    ahead = 3_000
    const late = await relay.create(body)
    expect([late.status, late.json.status, late.json.attempt]).toEqual([200, 'ready', 2])
    expect(late.json.problem).toBeNull()
  })

  // Field report A10: NAVER Cloud's answer 25013, "object in operation".
  test('because an object is in operation is put off and sent by the tick', async () => {
    relay.gateway.inject({ fault: 'in-operation', action: 'createServerImageFromSnapshot' })
    const { status, json } = await relay.create(fresh())
    expect([status, json.status, json.final]).toEqual([202, 'accepted', false])
    ahead = MINUTE
    await relay.tick()
    const { json: now } = await relay.request(`/v1/operations/${json.operationId}`)
    expect([now.status, now.attempt]).toEqual(['ready', 2])
  })

  test('is given up after one hour', async () => {
    relay.gateway.inject({ fault: 'throttled', action: 'createServerImageFromSnapshot' })
    const body = fresh()
    const first = await relay.create(body)
    ahead = 61 * MINUTE
    const late = await relay.create(body)
    expect([late.status, late.json.code]).toEqual([429, 'upstream-throttled'])
    expect(late.json.operationId).toBe(first.json.operationId)
    expect(creates()).toHaveLength(1)
  })

  test('is retried once immediately when the gateway rejects the key pair', async () => {
    relay.gateway.inject({ fault: 'credentials', action: 'createServerImageFromSnapshot' })
    const { status, json } = await relay.create(fresh())
    expect([status, json.status, json.attempt]).toEqual([201, 'ready', 2])
    expect(json.history.map(({ status }: { status: string }) => status)).toEqual([
      'accepted',
      'sending',
      'accepted',
      'sending',
      'ready',
    ])
  })

  test('is accepted when the look-up before it fails', async () => {
    relay.gateway.inject({ fault: 'html-200', action: 'getServerImageList' })
    const { status, json, headers } = await relay.create(fresh())
    expect([status, json.status, json.attempt]).toEqual([202, 'accepted', 0])
    expect(json.problem.code).toBe('upstream-malformed')
    expect(headers.get('retry-after')).toBe('30')
    expect(creates()).toEqual([])
  })

  test('is rejected when the look-up before it is not permitted', async () => {
    relay.gateway.inject({ fault: 'permission', action: 'getServerImageList' })
    const { status, json } = await relay.create(fresh())
    expect([status, json.code, json.outcome]).toEqual([502, 'upstream-permission', 'not-applied'])
  })
})

describe('the outcome of an attempt', () => {
  test('is created when a refused attempt made its image', async () => {
    relay.gateway.inject({
      fault: 'refused',
      action: 'createServerImageFromSnapshot',
      applied: true,
    })
    const { status, json } = await relay.create(fresh())
    expect([status, json.status]).toEqual([201, 'ready'])
    expect(json.history.at(-1)).toMatchObject({ reason: 'adopted' })
    expect(own()).toHaveLength(1)
  })

  test('is unknown after a reset, and the reply says when it is known and not to repeat the request', async () => {
    relay.gateway.inject({ fault: 'reset-before', action: 'createServerImageFromSnapshot' })
    const body = fresh()
    const before = Date.now()
    const { status, json } = await relay.create(body)
    const after = Date.now()
    expect([status, json.status]).toEqual([202, 'unknown'])
    // 300 s for timestamps, 30 s for the clock, 300 s for lists, 270 s without a Date, and one tick.
    const signedAt = Date.parse(json.knownBy) - (300 + 30 + 300 + 270 + 60) * 1_000
    // By the gateway's clock, whose Date header has a precision of one second.
    expect(signedAt).toBeGreaterThanOrEqual(before - 1_000)
    expect(signedAt).toBeLessThanOrEqual(after + 1_000)
    expect(json.detail).toMatch(
      new RegExp(
        `^NAVER Cloud did not say whether ${body.name} was created. The relay is finding out and should know by .* UTC\\+9. Do not repeat the request.$`,
      ),
    )
    // The problem must not look like a failure that may be retried.
    expect(Object.keys(json.problem).sort()).toEqual(['code', 'detail', 'upstream'])
    const headers = { accept: 'text/plain' }
    const { text } = await relay.request(`/v1/operations/${json.operationId}`, { headers })
    expect(text).toBe(`${json.operationId} unknown ${body.name} -\n${json.detail}\n`)
  })

  test('is unknown when a refusal cannot be checked', async () => {
    const create = 'createServerImageFromSnapshot'
    relay.gateway.inject({ fault: 'refused', action: create })
    const body = fresh()
    // The look-up before the attempt succeeds, and the one after it fails.
    const answered = relay.create(body)
    while (creates().length === 0) await new Promise((resolve) => setImmediate(resolve))
    relay.gateway.inject({ fault: 'html-200', action: 'getServerImageList', times: 9 })
    const { status, json } = await answered
    expect([status, json.status, json.problem?.code]).toEqual([202, 'unknown', 'upstream-refused'])
  })

  // Section 5 of the contract: such an attempt is judged as the first one.
  test('is rejected when a later attempt is refused after refused ones', async () => {
    const action = 'createServerImageFromSnapshot'
    relay.gateway.inject({ fault: 'credentials', action })
    relay.gateway.inject({ fault: 'refused', action })
    const { status, json } = await relay.create(fresh())
    expect([status, json.code]).toEqual([422, 'upstream-refused'])
    const { json: now } = await relay.request(`/v1/operations/${json.operationId}`)
    expect([now.status, now.attempt]).toEqual(['rejected', 2])
  })
})

describe('an operation', () => {
  test('is visible only to its caller and to an admin', async () => {
    const { headers } = await relay.create(fresh())
    const path = headers.get('location') ?? ''
    const seen = async (as: string) => (await relay.request(path, { as })).status
    expect([await seen('ci'), await seen('reader'), await seen('admin')]).toEqual([200, 404, 200])
    const other = await relay.request(path, { as: 'other' })
    const none = await relay.request('/v1/operations/op_none', { as: 'other' })
    expect({ ...other.json, requestId: 0 }).toEqual({ ...none.json, requestId: 0 })
  })

  test('reads its image again when the last read is older than five seconds', async () => {
    const slow = await openRelay({ clock, gateway: { readyAfterMs: 60_000 } })
    const { headers, json } = await slow.create(fresh())
    const phase = async () => (await slow.request(headers.get('location') ?? '')).json.image.phase
    slow.gateway.images.change(json.image.imageNo, { state: states.created })
    expect(await phase()).toBe('pending')
    ahead = 5_001
    expect(await phase()).toBe('ready')
    const asked = slow.gateway.received.length
    ahead = 20_000
    expect(await phase()).toBe('ready')
    expect(slow.gateway.received).toHaveLength(asked)
    await slow.close()
  })

  test('is returned as stored when the gateway fails', async () => {
    const slow = await openRelay({ clock, gateway: { readyAfterMs: 60_000 } })
    const { headers } = await slow.create(fresh())
    ahead = 6_000
    slow.gateway.inject({ fault: 'permission' })
    const { status, json } = await slow.request(headers.get('location') ?? '')
    await slow.close()
    expect([status, json.status]).toEqual([200, 'pending'])
  })

  test('can be waited for', async () => {
    const slow = await openRelay({ gateway: { readyAfterMs: 1_000 } })
    const { headers } = await slow.create(fresh())
    const followed = await slow.request(headers.get('location') ?? '', {
      headers: { prefer: 'wait=3' },
    })
    await slow.close()
    expect(followed.json.image.phase).toBe('ready')
    expect(followed.headers.get('preference-applied')).toBe('wait=3')
  })
})

describe('the list of operations', () => {
  test('has the caller’s own operations, newest first, page by page', async () => {
    const made = await openRelay()
    const bodies = Array.from({ length: 5 }, fresh)
    for (const body of bodies) await made.create(body)
    await made.create(fresh(), { as: 'other' })
    const pages = []
    let path: string | undefined = '/v1/operations?limit=2'
    while (path) {
      const { json } = await made.request(path)
      pages.push(json.items.map(({ name }: { name: string }) => name))
      path = json.next && `/v1/operations?limit=2&cursor=${json.next}`
    }
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1])
    expect(pages.flat()).toEqual(bodies.map(({ name }) => name).reverse())
    expect((await made.request('/v1/operations', { as: 'admin' })).json.items).toHaveLength(6)
    expect((await made.request('/v1/operations?status=rejected')).json).toEqual({ items: [] })
    const text = await made.request('/v1/operations?limit=1', { headers: { accept: 'text/plain' } })
    expect(text.text).toMatch(/^op_[0-9a-f]{32} ready web-\d+ 3000000\d\n$/)
    await made.close()
  })

  test.each(['x', '', 'zz.op_1', `1.op_${'0'.repeat(33)}`, `..op_${'0'.repeat(32)}`])(
    'rejects the cursor %j',
    async (cursor) => {
      const { status, json } = await relay.request(`/v1/operations?cursor=${cursor}`)
      expect([status, json.code]).toEqual([400, 'malformed-request'])
    },
  )
})

describe('a dry run', () => {
  const dry = (body: unknown, asked = {}) =>
    relay.request('/v1/server-images?dryRun=true', { method: 'POST', body, ...asked })

  test('shows the request of a create, and sends only reads', async () => {
    const body = fresh()
    const { status, json } = await dry(body)
    expect(status).toBe(200)
    expect(json.ok).toBe(true)
    expect(relay.gateway.received.map(({ method }) => method)).toEqual(['GET', 'GET'])
    const { json: created } = await relay.create(body)
    expect(created.status).toBe('ready')
    expect(json.request).toEqual({
      method: 'POST',
      path: '/vserver/v2/createServerImageFromSnapshot',
      parameters: creates()[0]?.parameters,
    })
  })

  test.each<[string, object, string[]]>([
    ['a snapshot that does not exist', { snapshotNo: '1' }, ['snapshot-exists']],
    ['a snapshot that is not bootable', { snapshotNo: '12344698' }, ['snapshot-bootable']],
    ['a snapshot that is still being made', { snapshotNo: '12344699' }, ['snapshot-usable']],
    ['a snapshot of XEN', { snapshotNo: '12344700' }, ['snapshot-kvm']],
    [
      'a snapshot that is larger than its storage',
      { snapshotNo: '12344700', sizeGb: 40 },
      ['snapshot-kvm', 'snapshot-fits'],
    ],
  ])('reports %s', async (_, base, codes) => {
    const { status, json } = await dry({ ...fresh(), storages: [base] })
    const failed = json.checks.filter(({ ok }: { ok: boolean }) => !ok)
    expect([status, json.ok]).toEqual([200, false])
    expect(failed.map(({ code, path }: Record<string, string>) => [code, path])).toEqual(
      codes.map((code) => [code, 'storages.0.snapshotNo']),
    )
  })

  test('checks only the base for bootability, and nothing of a new storage', async () => {
    const storages = [
      { snapshotNo: '12344697' },
      { snapshotNo: '12344698' },
      { sizeGb: 10, volumeType: 'CB1' },
    ]
    expect((await dry({ ...fresh(), storages })).json.ok).toBe(true)
  })

  test('reports a name in use by an image or by an operation', async () => {
    const nameIsFree = async (name: string) =>
      (await dry({ ...smallest, name })).json.checks.at(-1).ok
    relay.gateway.images.add({ name: 'by-image' })
    relay.gateway.images.add({ name: 'by-failure', state: states.createFailed })
    relay.gateway.inject({ fault: 'hang-in-body', action: 'createServerImageFromSnapshot' })
    relay.gateway.inject({ fault: 'html-200', action: 'getServerImageList' })
    await relay.create({ ...smallest, name: 'by-operation' })
    expect(await nameIsFree('by-image')).toBe(false)
    expect(await nameIsFree('by-operation')).toBe(false)
    expect(await nameIsFree('by-failure')).toBe(true)
  })

  // The sentences of the contract, section 4, and of its table of messages.
  test('states what was found, not what was expected', async () => {
    const storages = [{ snapshotNo: '12344698' }, { snapshotNo: '1' }, { snapshotNo: '12344700' }]
    const { no } = relay.gateway.images.add({ name: 'in-use' })
    const { json } = await dry({ ...smallest, name: 'in-use', storages })
    const messages = json.checks
      .filter(({ ok }: { ok: boolean }) => !ok)
      .map(({ message }: { message: string }) => message)
    expect(messages).toEqual([
      'Snapshot 12344698 is not bootable, so it cannot be the base storage.',
      'Snapshot 1 does not exist in region KR.',
      'Snapshot 12344700 is from a XEN server. Only snapshots from KVM servers can become an image.',
      expect.stringMatching(
        new RegExp(
          `^The name in-use is in use by image ${no} \\(ready since .*\\)\\. Choose another`,
        ),
      ),
    ])
  })

  test('names the operation that uses the name only to a caller who may read it', async () => {
    const { json } = await relay.create(fresh())
    const nameCheck = async (as: string) =>
      (await dry({ ...smallest, name: json.name }, { as })).json.checks.at(-1)
    relay.gateway.images.delete(json.image.imageNo)
    expect((await nameCheck('ci')).message).toContain(`request ${json.operationId} (ready since`)
    expect((await nameCheck('other')).message).toContain('another request (ready since')
  })

  test('has one line for each check and a verdict in plain text', async () => {
    const headers = { accept: 'text/plain' }
    const body = fresh()
    expect((await dry(body, { headers })).text).toBe(
      [
        '✓ Snapshot 12344697 exists.',
        '✓ Snapshot 12344697 is ready.',
        '✓ Snapshot 12344697 is from a KVM server.',
        '✓ Snapshot 12344697 fits its storage.',
        '✓ Snapshot 12344697 is bootable.',
        `✓ The name ${body.name} is free.`,
        'This request can be sent.\n',
      ].join('\n'),
    )
    const refused = await dry({ ...body, storages: [{ snapshotNo: '12344698' }] }, { headers })
    expect(refused.text.trimEnd().split('\n').at(-1)).toBe(
      'This request would fail: 1 check did not pass.',
    )
  })

  test('claims nothing', async () => {
    const body = fresh()
    await dry(body, keyed('k-8'))
    const { items } = (await relay.request('/v1/operations?limit=100')).json
    expect(items.filter(({ name }: { name: string }) => name === body.name)).toEqual([])
  })

  test('needs the prefix that a create needs', async () => {
    const { status, json } = await dry({ ...smallest, name: 'db-1' }, { as: 'prefixed' })
    expect([status, json.code]).toEqual([403, 'forbidden'])
  })

  test('gives the gateway’s problem when the gateway fails', async () => {
    relay.gateway.inject({ fault: 'permission' })
    expect((await dry(fresh())).status).toBe(502)
  })
})

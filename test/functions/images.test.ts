import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { states } from '../gateway/shelf.ts'
import { type Answered, openRelay, type Relay } from '../support/relay.ts'

let relay: Relay
beforeAll(async () => {
  relay = await openRelay()
})
afterAll(() => relay.close())
beforeEach(() => relay.gateway.reset())

const actions = () => relay.gateway.received.map(({ action }) => action)
const detail = 'getServerImageDetail'
const member = 'getMemberServerImageInstanceDetail'

describe('one image', () => {
  test('of XEN has one shape', async () => {
    const { status, json } = await relay.request('/v1/member-server-images/12342264')
    expect(status).toBe(200)
    // The documents' first example, its masks filled in.
    expect(json).toEqual({
      imageNo: '12342264',
      kind: 'memberServerImage',
      name: 'test-xen',
      description: null,
      phase: 'pending',
      status: { code: 'INIT', operation: 'CREAT', name: 'creating' },
      hypervisor: null,
      os: null,
      productCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR2004.B050',
      createdAt: '2025-06-26T11:09:07+09:00',
      sizeBytes: 53687091200,
      sizeGb: 50,
      storages: null,
      originalServerNo: '12342010',
      shared: false,
      sharedWith: 0,
      regionCode: 'KR',
      upstream: { action: member, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    })
  })

  test('of KVM has the same', async () => {
    const { json } = await relay.request('/v1/server-images/12341457')
    // The documents' second example, its masks filled in.
    expect(json).toEqual({
      imageNo: '12341457',
      kind: 'serverImage',
      name: 'test-kvm',
      description: null,
      phase: 'ready',
      status: { code: 'CREAT', operation: 'NULL', name: 'created' },
      hypervisor: 'KVM',
      os: 'UBUNTU',
      productCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR24.G003',
      createdAt: '2025-06-26T10:33:37+09:00',
      sizeBytes: 10737418240,
      sizeGb: 10,
      storages: [
        {
          order: 0,
          snapshotNo: '12344697',
          snapshotName: 'test-snap',
          sizeBytes: 10737418240,
          sizeGb: 10,
          volumeType: 'CB1',
          iops: 100,
          throughputBytesPerSecond: 104857600,
          encrypted: false,
        },
      ],
      originalServerNo: null,
      shared: false,
      sharedWith: 0,
      regionCode: 'KR',
      upstream: { action: detail, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    })
  })

  test.each([
    ['12341458', 'failed'],
    ['12341459', 'deleting'],
    ['3051719', 'ready'],
  ])('%s is %s', async (no, phase) => {
    expect((await relay.request(`/v1/server-images/${no}`)).json.phase).toBe(phase)
  })

  test('tells with how many people it is shared, but not with whom', async () => {
    const { json } = await relay.request('/v1/member-server-images/3051719')
    expect([json.shared, json.sharedWith]).toEqual([true, 2])
  })

  test('of codes nobody documented is unknown, and shows them', async () => {
    relay.gateway.inject({ fault: 'unknown-codes' })
    const { json } = await relay.request('/v1/server-images/12341457')
    expect([json.phase, json.status]).toEqual([
      'unknown',
      { code: 'WXYZ', operation: 'QRST', name: expect.anything() },
    ])
  })

  test.each(['missing-fields', 'extra-fields', 'numeric-return-code', 'byte-order-mark'] as const)(
    'is read in spite of %s',
    async (fault) => {
      relay.gateway.inject({ fault })
      const { status, json } = await relay.request('/v1/server-images/12341457')
      expect([status, json.imageNo]).toEqual([200, '12341457'])
    },
  )

  test('is asked for in the region that is wanted, or in the relay’s', async () => {
    await relay.request('/v1/server-images/12341457?regionCode=JPN')
    await relay.request('/v1/server-images/12341457')
    const regions = relay.gateway.received.map(({ parameters }) => parameters.regionCode)
    expect(regions).toEqual(['JPN', 'KR'])
  })
})

describe('an image of a kind that is not known', () => {
  test('is asked for once where the newer call knows it', async () => {
    expect((await relay.request('/v1/images/12341457')).json.kind).toBe('serverImage')
    expect(actions()).toEqual([detail])
  })

  test('is asked for twice where it does not', async () => {
    expect((await relay.request('/v1/images/12342264')).json.kind).toBe('memberServerImage')
    expect(actions()).toEqual([detail, member])
  })

  // First fault, second fault ('' for none), and the answer.
  test.each<[string, string, number, string | undefined]>([
    ['refused', '', 200, undefined],
    ['no-such-image', '', 200, undefined],
    ['authority', '', 502, 'upstream-permission'],
    ['permission', '', 502, 'upstream-permission'],
    ['doc-sample-invalid', '', 502, 'upstream-malformed'],
    ['refused', 'no-such-image', 422, 'upstream-refused'],
    ['no-such-image', 'no-such-image', 404, 'image-not-found'],
    ['no-such-image', 'authority', 502, 'upstream-permission'],
    ['no-such-image', 'refused', 422, 'upstream-refused'],
    ['refused', 'refused', 422, 'upstream-refused'],
    ['no-such-image', 'html-200', 502, 'upstream-malformed'],
  ])('%s, then %s: %i', async (first, second, status, code) => {
    relay.gateway.inject({ fault: first as 'refused', action: detail })
    if (second) relay.gateway.inject({ fault: second as 'refused', action: member })
    const answered = await relay.request('/v1/images/12342264')
    expect([answered.status, answered.json.code]).toEqual([status, code])
  })
})

describe('no such image', () => {
  test.each(['/v1/images/99', '/v1/server-images/99', '/v1/member-server-images/99'])(
    '%s is 404 where the gateway has no row',
    async (path) => {
      const { status, json } = await relay.request(path)
      expect([status, json.code, json.retryable]).toEqual([404, 'image-not-found', false])
    },
  )

  test('is 404 where the gateway refuses, at any status', async () => {
    relay.gateway.inject({ fault: 'no-such-image' })
    const { status, json } = await relay.request('/v1/server-images/99')
    expect([status, json.upstream]).toEqual([
      404,
      {
        action: detail,
        status: 400,
        code: '1104037',
        message: 'The server image could not be found.',
      },
    ])
  })
})

describe('images by name', () => {
  const named = async (name: string) => relay.request(`/v1/images?name=${name}`)

  test('are those of exactly that name, and own ones', async () => {
    relay.gateway.images.add({ name: 'web' })
    relay.gateway.images.add({ name: 'web-2' })
    relay.gateway.images.add({ name: 'web', type: 'NCP' })
    const { json } = await named('web')
    expect(json.items).toHaveLength(1)
    expect(json.items[0]).toMatchObject({ name: 'web', kind: 'serverImage' })
    expect((await named('ubuntu-22.04-base')).json.items).toEqual([])
  })

  test('come from all pages', async () => {
    for (let i = 0; i < 250; i++) relay.gateway.images.add({ name: `web-${i}` })
    for (let i = 0; i < 3; i++) relay.gateway.images.add({ name: 'web' })
    expect((await named('web')).json.items).toHaveLength(3)
    expect(actions()).toHaveLength(3)
  })

  test('are not concluded to be missing from an answer that contradicts itself', async () => {
    relay.gateway.inject({ fault: 'rows-lie', times: Number.POSITIVE_INFINITY })
    expect((await named('nothing')).json.code).toBe('upstream-malformed')
  })

  test('may have a name that the relay would not give', async () => {
    relay.gateway.images.add({ name: 'Web_이미지 1' })
    const { json } = await named(encodeURIComponent('Web_이미지 1'))
    expect(json.items).toHaveLength(1)
  })
})

test('snapshots tell what a create needs to know of them', async () => {
  const { json } = await relay.request('/v1/snapshots')
  expect(
    json.items.map((item: Record<string, unknown>) => [
      item.snapshotNo,
      item.name,
      item.sizeGb,
      item.bootable,
      item.hypervisor,
      item.phase,
    ]),
  ).toEqual([
    ['12344697', 'test-snap', 10, true, 'KVM', 'ready'],
    ['12344698', 'data-snap', 20, false, 'KVM', 'ready'],
    ['12344699', 'making-snap', 10, true, 'KVM', 'pending'],
    ['12344700', 'xen-snap', 50, true, 'XEN', 'ready'],
    ['12344701', 'doomed-snap', 10, true, 'KVM', 'ready'],
  ])
  const storageNo = relay.gateway.snapshots.find('12344698')?.originalStorageNo
  for (const query of ['snapshotNo=12344698', `originalBlockStorageNo=${storageNo}`]) {
    const filtered = await relay.request(`/v1/snapshots?${query}`)
    expect(filtered.json.items).toHaveLength(1)
  }
})

describe('a read that has been seen before', () => {
  const path = '/v1/server-images/12341457'
  const tag = ({ headers }: Answered) => headers.get('etag') ?? ''

  test('is 304, though the gateway’s request id is another', async () => {
    const first = await relay.request(path)
    expect(tag(first)).toMatch(/^W\/"[0-9a-f]{16}"$/)
    const strong = tag(first).slice(2)
    for (const header of [tag(first), strong, `"x", ${tag(first)}`, '*']) {
      const again = await relay.request(path, { headers: { 'if-none-match': header } })
      expect([again.status, tag(again)]).toEqual([304, tag(first)])
    }
  })

  test('is 200 when anything about it changed, and per media type', async () => {
    const first = await relay.request(path)
    const known = { 'if-none-match': tag(first) }
    const text = await relay.request(path, { headers: { ...known, accept: 'text/plain' } })
    expect(text.status).toBe(200)
    expect(tag(text)).not.toBe(tag(first))
    relay.gateway.images.change('12341457', { state: states.terminating })
    expect((await relay.request(path, { headers: known })).status).toBe(200)
  })
})

describe('an image that is not final', () => {
  test('says when to ask again', async () => {
    const pending = await relay.request('/v1/images/12342264')
    expect(pending.headers.get('retry-after')).toBe('5')
    const ready = await relay.request('/v1/images/12341457')
    expect(ready.headers.get('retry-after')).toBeNull()
  })

  test('is waited for as long as the caller prefers', async () => {
    relay.gateway.images.change('12341457', { state: states.creating })
    setTimeout(() => relay.gateway.images.change('12341457', { state: states.created }), 500)
    const { json, headers } = await relay.request('/v1/images/12341457', {
      headers: { prefer: 'respond-async, wait=4' },
    })
    expect(json.phase).toBe('ready')
    expect(headers.get('preference-applied')).toBe('wait=4')
    expect(headers.get('vary')).toBe('Prefer, Accept')
  })

  test('is looked at a last time when the wait is over, however short it is', async () => {
    relay.gateway.images.change('12341457', { state: states.creating })
    setTimeout(() => relay.gateway.images.change('12341457', { state: states.created }), 500)
    const headers = { prefer: 'wait=1' }
    const { json } = await relay.request('/v1/images/12341457', { headers })
    expect(json.phase).toBe('ready')
  })

  test('is answered as it was last seen when time is over or a later look fails', async () => {
    const looks: Promise<Answered>[] = []
    looks.push(relay.request('/v1/images/12342264', { headers: { prefer: 'wait=3' } }))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    relay.gateway.inject({ fault: 'permission', times: 9 })
    const [answered] = await Promise.all(looks)
    expect([answered?.status, answered?.json.phase]).toEqual([200, 'pending'])
  })

  test.each(['wait=0', 'wait=21', 'wait=-1', 'wait=x', 'wait', 'wait=5.5', 'respond-async', ''])(
    'Prefer: %s is ignored',
    async (prefer) => {
      const { headers } = await relay.request('/v1/images/12342264', { headers: { prefer } })
      expect(headers.get('preference-applied')).toBeNull()
    },
  )
})

describe('in a terminal', () => {
  const text = async (path: string) => {
    const answered = await relay.request(path, { headers: { accept: 'text/plain' } })
    expect(answered.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    return answered.text
  }

  test('an image is one line', async () => {
    expect(await text('/v1/images/12341457')).toBe('12341457 test-kvm ready\n')
  })

  test('a list is a line each', async () => {
    relay.gateway.images.add({ no: '1', name: 'web' })
    relay.gateway.images.add({ no: '2', name: 'web' })
    expect(await text('/v1/images?name=web')).toBe('1 web ready\n2 web ready\n')
    expect(await text('/v1/snapshots?snapshotNo=12344697')).toBe('12344697 test-snap ready\n')
    expect(await text('/v1/images?name=nothing')).toBe('')
  })

  test('a problem is its title and detail', async () => {
    expect(await text('/v1/images/99')).toBe(
      'Image not found: NAVER Cloud has no image with this number\n',
    )
  })

  test('a problem with several faults has a line for each', async () => {
    expect(await text('/v1/images/abc?regionCode=kr')).toBe(
      [
        'Invalid input',
        'no must be 1 to 20 digits',
        'regionCode must be 2 to 10 capital letters and digits, beginning with a letter: KR, SGN, JPN …\n',
      ].join('\n'),
    )
  })

  test('what could steer the terminal is cut', async () => {
    relay.gateway.images.change('12341457', { name: 'a\u001b[31mb\u202ec\nd' })
    expect(await text('/v1/images/12341457')).toBe('12341457 a [31mb c d ready\n')
  })
})

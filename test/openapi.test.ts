import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROUTES } from '../functions/http/routes.ts'
import { BODY_EXAMPLES, COMPONENT_EXAMPLES, TEXT_EXAMPLES } from '../scripts/openapi/examples.ts'
import { openapi } from '../scripts/openapi/openapi.ts'
import type { Operation } from '../shared/operations/operation.ts'
import {
  accept,
  markConflict,
  markUnknown,
  startAttempt,
} from '../shared/operations/transitions.ts'
import { systemClock } from '../shared/web/clock.ts'
import type { FaultName } from './gateway/faults.ts'
import { by, claim } from './shared/operations/records.ts'
import { memoryStore } from './shared/store/memory-store.ts'
import { NO_QUOTA, replace } from './shared/store/writes.ts'
import { assertFits, documented } from './support/contract.ts'
import { type Asked, openRelay, type Relay, smallest } from './support/relay.ts'

test('the committed document is the one generated from the schemas', async () => {
  const committed = await readFile('functions/openapi.json', 'utf8')
  expect(committed).toBe(`${JSON.stringify(openapi(), null, 2)}\n`)
})

describe('the examples of the document', () => {
  const { schemas } = openapi().components
  const examples = Object.entries(schemas).flatMap(([name, schema]) =>
    'examples' in schema ? [[name, schema.examples] as const] : [],
  )

  test.each(examples)('fit the schema of %s', (name, examples = []) => {
    expect(examples).toHaveLength(1)
    assertFits(examples[0], { $ref: `#/components/schemas/${name}` })
  })

  test.each(Object.entries(BODY_EXAMPLES))('fit the body of %s', async (row, body) => {
    const { body: schema } = ROUTES.find((route) => route.row.name === row) ?? {}
    expect(schema && v.is(schema, body)).toBe(true)
  })

  test('show an image and its lines as the relay does', async () => {
    const relay = await openRelay()
    const { json } = await relay.request('/v1/images/12341457')
    const { text } = await relay.request('/v1/images/12341457', {
      headers: { accept: 'text/plain' },
    })
    await relay.close()
    const requestId = expect.any(String)
    expect(json).toEqual({
      ...COMPONENT_EXAMPLES.Image,
      upstream: { action: 'getServerImageDetail', requestId },
    })
    expect(text).toBe(TEXT_EXAMPLES.getImage)
  })
})

test('the document has exactly the routes of the contract', () => {
  const names = documented.map((response) => response.replace(/ \d+$/, ''))
  // The contract's table, section 4.
  expect([...new Set(names)].sort()).toEqual([
    'GET /',
    'GET /healthz',
    'GET /openapi.json',
    'GET /problems',
    'GET /readyz',
    'GET /v1/images',
    'GET /v1/images/{no}',
    'GET /v1/jobs',
    'GET /v1/jobs/{name}',
    'GET /v1/member-server-images/{no}',
    'GET /v1/operations',
    'GET /v1/operations/{id}',
    'GET /v1/server-images/{no}',
    'GET /v1/snapshots',
    'POST /v1/jobs/{name}/runs',
    'POST /v1/operations/{id}/resolution',
    'POST /v1/server-images',
  ])
})

const nightly = {
  name: 'nightly',
  cron: '0 3 * * *',
  timeZone: 'UTC',
  image: { name: 'web-{yyMMdd}', storages: [{ snapshotNo: '12344697' }] },
}

describe('every documented response is produced', () => {
  const produced = new Set<string>()
  let relay: Relay
  let operation = ''
  beforeAll(async () => {
    relay = await openRelay({ environment: { RELAY_JOBS: [nightly] } })
    operation = (await relay.create(smallest)).headers.get('location') ?? ''
  })
  afterAll(async () => {
    await relay.close()
    for (const name of relay.produced) produced.add(name)
    // This check is here because all tests below add to the set.
    expect([...produced].sort()).toEqual([...documented].sort())
  })

  const reads = [
    '/v1/member-server-images/12342264',
    '/v1/server-images/12341457',
    '/v1/images/12341457',
    '/v1/images?name=test-kvm',
    '/v1/snapshots',
  ]

  const kept = ['/v1/operations', '/v1/jobs', '/v1/jobs/nightly']

  test.each([
    '/',
    '/healthz',
    '/readyz',
    '/openapi.json',
    '/problems',
    ...reads,
    ...kept,
    'an operation',
  ])('200 and 304 of %s', async (given) => {
    const path = given === 'an operation' ? operation : given
    const { status, headers } = await relay.request(path)
    const known = { 'if-none-match': headers.get('etag') ?? '' }
    expect(status).toBe(200)
    expect((await relay.request(path, { headers: known })).status).toBe(304)
  })

  test.each([...reads, ...kept, 'an operation'])('400, 401, 403 and 406 of %s', async (given) => {
    const path = given === 'an operation' ? operation : given
    const query = path.includes('?') ? '&x=1' : '?x=1'
    const answers = [
      await relay.request(path + query),
      await relay.request(path, { as: 'nobody' }),
      await relay.request(path, { as: 'maker' }),
      await relay.request(path, { headers: { accept: 'image/png' } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([400, 401, 403, 406])
  })

  test.concurrent.each(reads)('429, 502 and 504 of %s', async (path) => {
    const times = Number.POSITIVE_INFINITY
    const statusAfter = async (fault: FaultName) => {
      const own = await openRelay()
      own.gateway.inject({ fault, times })
      const { status } = await own.request(path)
      await own.close()
      for (const name of own.produced) produced.add(name)
      return status
    }
    const faults: FaultName[] = ['throttled-absurd', 'html-200', 'hang']
    expect(await Promise.all(faults.map(statusAfter))).toEqual([429, 502, 504])
  })

  test('404 of images, operations and jobs', async () => {
    const paths = [
      '/v1/member-server-images/1',
      '/v1/server-images/1',
      '/v1/images/1',
      '/v1/operations/op_1',
      '/v1/jobs/other',
    ]
    for (const path of paths) expect((await relay.request(path)).status).toBe(404)
  })

  test('422 of invalid parameters', async () => {
    const images = ['member-server-images', 'server-images', 'images'].map(
      (kind) => `/v1/${kind}/x`,
    )
    const queries = ['/v1/images?name=', '/v1/snapshots?snapshotNo=x', '/v1/operations?limit=0']
    for (const path of [...images, ...queries]) {
      expect((await relay.request(path)).status).toBe(422)
    }
  })

  test.each(['/v1/server-images', '/v1/jobs/nightly/runs', '/v1/operations/op_1/resolution'])(
    '408 of %s',
    async (path) => {
      const body = new ReadableStream({ pull: () => new Promise(() => {}) })
      const options = { deadline: Date.now() + 50 }
      const asked = { method: 'POST', as: 'admin', body, options }
      expect((await relay.request(path, asked)).status).toBe(408)
    },
  )

  test.concurrent('all statuses of a create', async () => {
    const own = await openRelay()
    const { gateway } = own
    let names = 0
    const body = () => ({ ...smallest, name: `web-${++names}` })
    const action = 'createServerImageFromSnapshot'
    const statusAfter = async (fault: FaultName, on = action) => {
      gateway.inject({ fault, action: on, times: 9 })
      const { status } = await own.create(body())
      gateway.pending.length = 0
      return status
    }
    const same = body()
    const limited = async () => (await own.create(body(), { as: 'limited' })).status
    const answers = {
      201: (await own.create(same)).status,
      200: (await own.create(same)).status,
      202: await statusAfter('html-502'),
      400: (await own.create('{')).status,
      401: (await own.create(body(), { as: 'nobody' })).status,
      403: (await own.create(body(), { as: 'reader' })).status,
      406: (await own.create(body(), { headers: { accept: 'image/png' } })).status,
      409: (await own.create({ ...same, description: 'x' })).status,
      413: (await own.create(' '.repeat(70_000))).status,
      415: (await own.create(body(), { headers: { 'content-type': 'text/plain' } })).status,
      422: await statusAfter('refused'),
      429: [await limited(), await limited(), await limited(), await limited()].at(-1),
      502: await statusAfter('permission'),
    }
    expect(Object.values(answers)).toEqual(Object.keys(answers).map(Number))
    gateway.inject({ fault: 'hang', times: 9 })
    const dry = { method: 'POST', body: body() }
    expect((await own.request('/v1/server-images?dryRun=true', dry)).status).toBe(504)
    await own.close()
    for (const name of own.produced) produced.add(name)
  })

  test.concurrent('all statuses of a run', async () => {
    let now = Date.UTC(2026, 10, 22)
    const named = (job: string, name: string) => {
      const image = { ...smallest, name }
      return { name: job, cron: '0 3 * * *', timeZone: 'UTC', image }
    }
    const own = await openRelay({
      clock: { ...systemClock, now: () => now },
      gateway: { now: () => now },
      environment: {
        RELAY_JOBS: [named('job', 'web-{yyMMdd}-{HHmm}'), named('daily', 'web-{yyyyMMdd}')],
      },
    })
    const statusOf = async (asked: Asked = {}, job = 'job') => {
      now += 60_000
      return (await own.request(`/v1/jobs/${job}/runs`, { method: 'POST', ...asked })).status
    }
    const statusAfter = async (fault: FaultName, action: string, asked: Asked = {}) => {
      own.gateway.inject({ fault, action, times: 9 })
      const status = await statusOf(asked)
      own.gateway.pending.length = 0
      return status
    }
    const action = 'createServerImageFromSnapshot'
    const limited = async () => statusOf({ as: 'limited' })
    const late = { headers: { 'idempotency-key': 'late' } }
    const same = { headers: { 'idempotency-key': 'same' } }
    const taken = async () => {
      const at = new Date(now + 60_000).toISOString().replaceAll(/[-:T]/g, '')
      await own.create({ ...smallest, name: `web-${at.slice(2, 8)}-${at.slice(8, 12)}` })
      return statusOf()
    }
    const answers = {
      201: await statusOf(same),
      200: await statusOf(same),
      202: await statusAfter('html-502', action),
      400: await statusOf({ body: '{' }),
      401: await statusOf({ as: 'nobody' }),
      403: await statusOf({ as: 'reader' }),
      404: await statusOf({}, 'other'),
      406: await statusOf({ headers: { accept: 'image/png' } }),
      409: await taken(),
      413: await statusOf({ body: ' '.repeat(70_000) }),
      422: await statusOf({}, 'daily'),
      429: [await limited(), await limited(), await limited(), await limited()].at(-1),
      502: await statusAfter('permission', action),
    }
    expect(Object.values(answers)).toEqual(Object.keys(answers).map(Number))
    // A create that cannot be sent for one hour is rejected, and a repeat gets the same problem.
    expect(await statusAfter('hang', 'getServerImageList', late)).toBe(202)
    now += 3_700_000
    await own.tick()
    expect(await statusOf(late)).toBe(504)
    await own.close()
    for (const name of own.produced) produced.add(name)
  })

  test.concurrent('all statuses of a resolution', async () => {
    const store = memoryStore()
    const own = await openRelay({ store })
    const claimed = accept(claim({ name: 'test-kvm' }), by(1))
    const steps = [startAttempt(claimed, 1, by(2))]
    steps.push(markUnknown(steps[0] as Operation, { code: 'upstream-timeout', detail: 'x' }, by(3)))
    steps.push(markConflict(steps[1] as Operation, [], by(4)))
    await store.claim(claimed, NO_QUOTA)
    for (const step of steps) await replace(store, step)
    const address = `/v1/operations/${claimed.operationId}/resolution`
    const imageNo = '12341457'
    const statusOf = async (asked: Asked = {}, path = address) => {
      const whole = { method: 'POST', as: 'admin', body: { imageNo }, ...asked }
      return (await own.request(path, whole)).status
    }
    const statusAfter = async (fault: FaultName) => {
      own.gateway.inject({ fault, times: 9 })
      const status = await statusOf()
      own.gateway.pending.length = 0
      return status
    }
    const answers = {
      400: await statusOf({ body: '{' }),
      401: await statusOf({ as: 'nobody' }),
      403: await statusOf({ as: 'ci' }),
      404: await statusOf({}, '/v1/operations/op_1/resolution'),
      406: await statusOf({ headers: { accept: 'image/png' } }),
      413: await statusOf({ body: ' '.repeat(70_000) }),
      415: await statusOf({ headers: { 'content-type': 'text/plain' } }),
      422: await statusOf({ body: {} }),
      429: await statusAfter('throttled-absurd'),
      502: await statusAfter('html-200'),
      504: await statusAfter('hang'),
      200: await statusOf(),
      409: 0,
    }
    // Only an operation that is settled is not in conflict any more.
    answers[409] = await statusOf()
    expect(Object.entries(answers).filter(([status, is]) => Number(status) !== is)).toEqual([])
    await own.close()
    for (const name of own.produced) produced.add(name)
  })

  test('500 of a defect', async () => {
    let fuse = Number.POSITIVE_INFINITY
    const now = () => {
      if (fuse-- === 0) throw new Error('Broken')
      return Date.now()
    }
    const broken = await openRelay({ clock: { ...systemClock, now } })
    const writes = ['/v1/server-images', '/v1/operations/op_1/resolution', '/v1/jobs/daily/runs']
    for (const path of [...reads, ...kept, '/v1/operations/op_1', ...writes]) {
      // The clock fails after the request has started.
      fuse = 1
      const method = writes.includes(path) ? 'POST' : 'GET'
      expect((await broken.request(path, { method })).status).toBe(500)
    }
    await broken.close()
    for (const name of broken.produced) produced.add(name)
  })

  test('503 of faulty settings', async () => {
    const faulty = await openRelay({ environment: { NCLOUD_SITE: 'x' } })
    for (const path of ['/readyz', ...reads, ...kept, operation]) {
      expect((await faulty.request(path)).status).toBe(503)
    }
    const writes = ['/v1/server-images', '/v1/operations/op_1/resolution', '/v1/jobs/a/runs']
    for (const path of writes) {
      expect((await faulty.request(path, { method: 'POST' })).status).toBe(503)
    }
    await faulty.close()
    for (const name of faulty.produced) produced.add(name)
  })
})

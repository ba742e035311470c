import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROUTES } from '../functions/app.ts'
import { openapi } from '../scripts/openapi.ts'
import { systemClock } from '../shared/clock.ts'
import { documented } from './contract.ts'
import type { FaultName } from './gateway/faults.ts'
import { openRelay, type Relay, smallest } from './relay.ts'

test('the committed document is the one that the schemas make', async () => {
  const committed = await readFile('functions/openapi.json', 'utf8')
  expect(committed).toBe(`${JSON.stringify(openapi(), null, 2)}\n`)
})

test('every route is in it, and nothing else', () => {
  const routes = ROUTES.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
  const open = ['GET /healthz', 'GET /readyz', 'GET /openapi.json']
  const names = documented.map((response) => response.replace(/ \d+$/, ''))
  expect([...new Set(names)].sort()).toEqual([...routes, ...open].sort())
})

describe('every response that it describes', () => {
  const produced = new Set<string>()
  let relay: Relay
  let creation = ''
  beforeAll(async () => {
    relay = await openRelay()
    creation = (await relay.create(smallest)).headers.get('location') ?? ''
  })
  afterAll(async () => {
    await relay.close()
    for (const name of relay.produced) produced.add(name)
    // This stands here to see what all the tests below have produced.
    expect([...produced].sort()).toEqual([...documented].sort())
  })

  const reads = [
    '/v1/member-server-images/12342264',
    '/v1/server-images/12341457',
    '/v1/images/12341457',
    '/v1/images?name=test-kvm',
    '/v1/snapshots',
  ]

  test.each(['/healthz', '/readyz', '/openapi.json', ...reads, '/v1/creations', 'a creation'])(
    '200 and 304 of %s',
    async (given) => {
      const path = given === 'a creation' ? creation : given
      const { status, headers } = await relay.request(path)
      const known = { 'if-none-match': headers.get('etag') ?? '' }
      expect(status).toBe(200)
      expect((await relay.request(path, { headers: known })).status).toBe(304)
    },
  )

  test.each([...reads, '/v1/creations', 'a creation'])(
    '400, 401, 403 and 406 of %s',
    async (given) => {
      const path = given === 'a creation' ? creation : given
      const query = path.includes('?') ? '&x=1' : '?x=1'
      const answers = [
        await relay.request(path + query),
        await relay.request(path, { as: 'nobody' }),
        await relay.request(path, { as: 'maker' }),
        await relay.request(path, { headers: { accept: 'image/png' } }),
      ]
      expect(answers.map(({ status }) => status)).toEqual([400, 401, 403, 406])
    },
  )

  test.concurrent.each(reads)('429, 502 and 504 of %s', { timeout: 30_000 }, async (path) => {
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

  test('404 of images and creations', async () => {
    const paths = [
      '/v1/member-server-images/1',
      '/v1/server-images/1',
      '/v1/images/1',
      '/v1/creations/cr_1',
    ]
    for (const path of paths) expect((await relay.request(path)).status).toBe(404)
  })

  test('422 of what is not well-formed', async () => {
    const images = ['member-server-images', 'server-images', 'images'].map(
      (kind) => `/v1/${kind}/x`,
    )
    const queries = ['/v1/images?name=', '/v1/snapshots?snapshotNo=x', '/v1/creations?limit=0']
    for (const path of [...images, ...queries]) {
      expect((await relay.request(path)).status).toBe(422)
    }
  })

  test('all of a create', { timeout: 30_000 }, async () => {
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

  test('500 of a defect', async () => {
    let fuse = Number.POSITIVE_INFINITY
    const now = () => {
      if (fuse-- === 0) throw new Error('Broken')
      return Date.now()
    }
    const broken = await openRelay({ clock: { ...systemClock, now } })
    for (const path of [...reads, '/v1/creations', '/v1/creations/cr_1', '/v1/server-images']) {
      // The clock breaks when the request is on its way.
      fuse = 1
      const method = path === '/v1/server-images' ? 'POST' : 'GET'
      expect((await broken.request(path, { method })).status).toBe(500)
    }
    await broken.close()
    for (const name of broken.produced) produced.add(name)
  })

  test('503 of faulty settings', async () => {
    const faulty = await openRelay({ environment: { NCLOUD_SITE: 'x' } })
    for (const path of ['/readyz', '/openapi.json', ...reads, '/v1/creations', creation]) {
      expect((await faulty.request(path)).status).toBe(503)
    }
    expect((await faulty.create(smallest)).status).toBe(503)
    await faulty.close()
    for (const name of faulty.produced) produced.add(name)
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROUTES } from '../../functions/http/routes.ts'
import { entries, keyOf } from '../support/keys.ts'
import { openRelay, type Relay, smallest } from '../support/relay.ts'

let relay: Relay
beforeAll(async () => {
  relay = await openRelay()
})
afterAll(() => relay.close())

/** The scope that each route needs: the table of the contract, section 4. */
const needed: Record<string, string> = {
  'GET /v1/member-server-images/:no': 'images:read',
  'GET /v1/server-images/:no': 'images:read',
  'GET /v1/images/:no': 'images:read',
  'GET /v1/images': 'images:read',
  'GET /v1/snapshots': 'images:read',
  'POST /v1/server-images': 'images:create',
  'GET /v1/operations/:id': 'images:read',
  'GET /v1/operations': 'images:read',
  'POST /v1/operations/:id/resolution': 'images:admin',
  'GET /v1/jobs': 'images:read',
  'GET /v1/jobs/:name': 'images:read',
  'POST /v1/jobs/:name/runs': 'images:create',
}

const callers = ['ci', 'reader', 'maker', 'admin', 'powerless', 'expired', 'nobody']

test('every route is in the table', () => {
  expect(ROUTES.map(({ method, path }) => `${method} ${path}`)).toEqual(Object.keys(needed))
})

describe.each(Object.entries(needed))('%s needs %s', (route, scope) => {
  test.each(callers)('checks the key of caller %s', async (as) => {
    const [method = '', path = ''] = route.split(' ')
    const entry = entries.find(({ id }) => id === as)
    const proven = entry !== undefined && as !== 'expired'
    const { status, json, headers } = await relay.request(
      path
        .replace(':no', '12341457')
        .replace(':id', 'op_1')
        .replace(/images$/, 'images?x'),
      { method, as, ...(method === 'POST' && { body: smallest }) },
    )
    if (!proven) {
      expect([status, json.code]).toEqual([401, 'unauthenticated'])
      expect(headers.get('www-authenticate')).toBe('Bearer')
    } else if (!entry.scopes.includes(scope)) {
      expect([status, json.code]).toEqual([403, 'forbidden'])
    } else expect([401, 403]).not.toContain(status)
  })
})

describe('a key', () => {
  const path = '/v1/images/12341457'
  const key = keyOf('ci')
  const status = async (headers: Record<string, string>) =>
    (await relay.request(path, { as: '', headers })).status

  test.each<[string, Record<string, string>]>([
    ['as a bearer token', { authorization: `Bearer ${key}` }],
    ['as a bearer token in any case', { authorization: `bearer  ${key}` }],
    ['in X-API-Key', { 'x-api-key': key }],
  ])('is accepted %s', async (_, headers) => {
    expect(await status(headers)).toBe(200)
  })

  test('is refused with the same body for every fault', async () => {
    const wrong: Record<string, string>[] = [
      {},
      { authorization: `Bearer ${key}`, 'x-api-key': key },
      { authorization: `Basic ${key}` },
      { authorization: key },
      { authorization: `Bearer ${key} x` },
      { authorization: 'Bearer' },
      { authorization: `Bearer ${key.slice(0, -1)}` },
      { authorization: `Bearer ${key.slice(0, -1)}!` },
      { authorization: `Bearer ${keyOf('nobody')}` },
      { authorization: `Bearer ${keyOf('expired')}` },
      { 'x-api-key': '' },
      { 'x-api-key': `Bearer ${key}` },
    ]
    const answers = await Promise.all(
      wrong.map((headers) => relay.request(path, { as: '', headers })),
    )
    const bodies = answers.map(({ json }) => JSON.stringify({ ...json, requestId: '' }))
    expect(new Set(bodies).size).toBe(1)
    expect(answers.every(({ status }) => status === 401)).toBe(true)
  })

  test('that is refused causes no call to the gateway', async () => {
    const before = relay.gateway.received.length
    await status({ 'x-api-key': keyOf('nobody') })
    expect(relay.gateway.received).toHaveLength(before)
  })
})

describe('the name prefix of a key', () => {
  test('limits creates but not reads', async () => {
    const made = await relay.create({ ...smallest, name: 'web-7' }, { as: 'prefixed' })
    const other = await relay.create({ ...smallest, name: 'db-7' }, { as: 'prefixed' })
    const read = await relay.request('/v1/images/12341457', { as: 'prefixed' })
    expect([made.status, other.status, read.status]).toEqual([201, 403, 200])
    expect(other.json.outcome).toBe('not-applied')
  })
})

// The causes are those of the contract, section 3.
describe('the log has the cause of a 401, and the reply does not', () => {
  test.each<[string, Record<string, string>, object]>([
    ['no key', {}, { reason: 'no-key' }],
    ['no bearer key', { authorization: 'Basic a2V5' }, { reason: 'no-key' }],
    [
      'two keys',
      { authorization: `Bearer ${keyOf('ci')}`, 'x-api-key': keyOf('ci') },
      { reason: 'two-keys' },
    ],
    ['an unknown key', { 'x-api-key': keyOf('nobody') }, { reason: 'unknown-key' }],
    ['a mistyped key', { 'x-api-key': `${keyOf('ci')}x` }, { reason: 'unknown-key' }],
    ['an expired key', { 'x-api-key': keyOf('expired') }, { reason: 'expired', keyId: 'expired' }],
  ])('%s', async (_, headers, cause) => {
    const { status, json } = await relay.request('/v1/operations', { as: '', headers })
    expect([status, json.detail]).toEqual([
      401,
      'A valid API key is required: Authorization: Bearer KEY, or X-API-Key: KEY',
    ])
    expect(relay.log.at(-1)).toEqual({
      event: 'request',
      requestId: json.requestId,
      action: 'GET /v1/operations',
      status: 401,
      milliseconds: expect.any(Number),
      code: 'unauthenticated',
      ...cause,
    })
  })
})

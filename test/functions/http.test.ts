import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { etagOf, fnv1a64, isNamed } from '../../functions/etag.ts'
import type { Store } from '../../shared/store/store.ts'
import { systemClock } from '../../shared/web/clock.ts'
import { entryOf } from '../support/keys.ts'
import { openRelay, type Relay, smallest } from '../support/relay.ts'

let relay: Relay
beforeAll(async () => {
  relay = await openRelay()
})
afterAll(() => relay.close())

const code = async (path: string, asked = {}) => {
  const { status, json } = await relay.request(path, asked)
  return [status, json.code]
}

describe('without a key', () => {
  test.each(['/healthz', '/readyz'])('%s is answered', async (path) => {
    const { status, json } = await relay.request(path, { as: '' })
    expect([status, json]).toEqual([200, { status: 'ok' }])
    const { text } = await relay.request(path, { as: '', headers: { accept: 'text/plain' } })
    expect(text).toBe('ok\n')
  })

  test('/openapi.json is answered in JSON for any Accept header', async () => {
    const { json } = await relay.request('/openapi.json', {
      as: '',
      headers: { accept: 'text/plain' },
    })
    expect(json.openapi).toBe('3.1.0')
  })
})

describe('the public routes', () => {
  test('/ has the name, the version, and links that work', async () => {
    const { json } = await relay.request('/', { as: '' })
    expect([json.name, json.version]).toEqual(['ncloud-image-relay', '0.1.0'])
    for (const link of Object.values(json.links) as string[]) {
      expect((await relay.request(link, { as: '' })).status).toBe(200)
    }
  })

  test('/problems lists the type of every problem, also with faulty settings', async () => {
    const { json } = await relay.request('/problems', { as: '' })
    const refused = (await relay.request('/v1/images/12341457', { as: '' })).json
    const { type, code, title, status, retryable } = refused
    expect(json.items).toContainEqual({ type, code, title, status, retryable })
    expect(type).toBe('/problems#unauthenticated')
    const faulty = await openRelay({ environment: { NCLOUD_SITE: 'x' } })
    for (const path of ['/', '/healthz', '/openapi.json', '/problems']) {
      expect((await faulty.request(path, { as: '' })).status).toBe(200)
    }
    await faulty.close()
  })
})

describe('a route', () => {
  test.each(['/nope', '/v1', '/v1/', '/v1/images/1/2', '/v1/images/', '//v1/images', '/V1/images'])(
    '%s does not exist',
    async (path) => {
      expect(await code(path)).toEqual([404, 'not-found'])
    },
  )

  test.each([
    ['DELETE', '/v1/images/1', 'GET, HEAD'],
    ['PUT', '/v1/operations', 'GET, HEAD'],
    ['POST', '/v1/images', 'GET, HEAD'],
    ['GET', '/v1/server-images', 'POST'],
    ['PATCH', '/v1/server-images', 'POST'],
    ['OPTIONS', '/v1/server-images', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
  ])('%s %s is not allowed', async (method, path, allow) => {
    const { status, json, headers } = await relay.request(path, { method })
    expect([status, json.code, headers.get('allow')]).toEqual([405, 'method-not-allowed', allow])
  })

  test('answers HEAD like GET without a body', async () => {
    const { status, text, headers } = await relay.request('/v1/images/12341457', { method: 'HEAD' })
    expect([status, text]).toEqual([200, ''])
    expect(headers.get('etag')).toMatch(/^W\//)
  })
})

describe('the request id', () => {
  test('is the relay’s own, even if the caller sends one', async () => {
    const { headers } = await relay.request('/healthz', { headers: { 'x-request-id': 'theirs' } })
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}-/)
  })

  test('is in every log line of the request, with the image', async () => {
    const before = relay.log.length
    const { headers } = await relay.request('/v1/images/12342264')
    const lines = relay.log.slice(before)
    const requestId = headers.get('x-request-id')
    const shared = { requestId, caller: 'key:ci', status: 200, imageNo: '12342264' }
    const milliseconds = expect.any(Number)
    expect(lines).toEqual([
      // The first call finds nothing, which is not a failure. The second call finds the image.
      {
        ...shared,
        event: 'upstream',
        action: 'getServerImageDetail',
        milliseconds,
        fallback: true,
      },
      { ...shared, event: 'upstream', action: 'getMemberServerImageInstanceDetail', milliseconds },
      { ...shared, event: 'request', action: 'GET /v1/images/:no', milliseconds },
    ])
  })

  test('comes with the operation id in every log line of a create', async () => {
    const before = relay.log.length
    const { json } = await relay.create({ ...smallest, name: 'logged' })
    const { operationId, image } = json
    const lines = relay.log.slice(before)
    expect(lines.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['transition', 'upstream', 'request']),
    )
    for (const line of lines) expect(line).toMatchObject({ operationId })
    expect(lines.filter(({ state }) => state === 'applied')).toMatchObject([
      { imageNo: image.imageNo },
    ])
  })
})

describe('Accept', () => {
  const path = '/v1/images/12341457'
  test.each([
    ['application/json', 'application/json'],
    ['*/*', 'application/json'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'application/json'],
    ['text/plain', 'text/plain; charset=utf-8'],
    ['TEXT/*', 'text/plain; charset=utf-8'],
    ['text/plain;q=0.5, application/json', 'application/json'],
    ['text/plain, application/json;q=0.5', 'text/plain; charset=utf-8'],
    ['text/plain, */*;q=0.1', 'text/plain; charset=utf-8'],
    ['application/json;q=0, */*', 'text/plain; charset=utf-8'],
    ['application/*', 'application/json'],
    ['', 'application/json'],
    ['application/json;profile="a,b";q=0.1, text/plain;q=0.5', 'text/plain; charset=utf-8'],
  ])('%s gives %s', async (accept, type) => {
    const { headers } = await relay.request(path, { headers: { accept } })
    expect(headers.get('content-type')).toBe(type)
  })

  test.each(['image/png', 'application/xml, text/html', 'application/json;q=0, text/plain;q=0'])(
    '%s is not acceptable',
    async (accept) => {
      expect(await code(path, { headers: { accept } })).toEqual([406, 'not-acceptable'])
    },
  )

  test('is checked before anything is created', async () => {
    const before = relay.gateway.received.length
    const { status } = await relay.create(smallest, { headers: { accept: 'image/png' } })
    expect([status, relay.gateway.received.length]).toEqual([406, before])
  })
})

describe('a query', () => {
  test.each([
    '/v1/images/1?x=1',
    '/v1/images/1?regionCode=KR&regionCode=KR',
    '/v1/images/1?regionCode=KR&%72egionCode=JPN',
    '/v1/images/1?REGIONCODE=KR',
    '/v1/images/1?no=2',
    '/v1/images/1?__proto__=1',
    '/v1/images/1?constructor=1',
    '/v1/images/1?regionCode.1=KR',
    '/v1/images?name=a&name=b',
    '/v1/images?name=a&blockStorageList.1.order=0',
    '/v1/operations?cr=1',
  ])('%s has an unknown or a repeated key', async (path) => {
    expect(await code(path)).toEqual([400, 'malformed-request'])
  })

  test.each([
    ['/v1/images/1?colour=red', 'The query has an unknown key: "colour"'],
    [`/v1/images/1?${'x'.repeat(60)}=1`, `The query has an unknown key: "${'x'.repeat(40)}…"`],
    ['/v1/images/1?%1b%5b31mred=1', 'The query has an unknown key: " [31mred"'],
    ['/v1/images/1?regionCode=KR&regionCode=JPN', 'The query has the key "regionCode" twice'],
  ])('%s is answered with the name of the key, never with its value', async (path, detail) => {
    expect((await relay.request(path)).json.detail).toBe(detail)
  })

  test('rejects 2,000 pairs of equal keys in any encoding', async () => {
    const before = relay.gateway.received.length
    const encoded = (key: string) =>
      fc
        .tuple(...[...key].map((letter) => fc.constantFrom(letter, percent(letter))))
        .map((parts) => parts.join(''))
    const percent = (letter: string) => `%${letter.charCodeAt(0).toString(16)}`
    const pairs = fc
      .constantFrom('regionCode', 'snapshotNo')
      .chain((key) => fc.tuple(encoded(key), encoded(key)))
    for (const [one, other] of fc.sample(pairs, { numRuns: 2_000, seed: 1 })) {
      expect(await code(`/v1/snapshots?${one}=KR&${other}=KR`)).toEqual([400, 'malformed-request'])
    }
    expect(relay.gateway.received).toHaveLength(before)
  })

  test.each([
    ['/v1/images/abc', 'no'],
    ['/v1/images/1%200', 'no'],
    ['/v1/images/%zz', 'no'],
    [`/v1/images/${'9'.repeat(21)}`, 'no'],
    ['/v1/images/１２', 'no'],
    ['/v1/images/1?regionCode=kr', 'regionCode'],
    ['/v1/images/1?regionCode=', 'regionCode'],
    ['/v1/images?name=', 'name'],
    ['/v1/images?limit=0', 'limit'],
    ['/v1/images?limit=101', 'limit'],
    ['/v1/images?name=a&limit=5', 'limit'],
    ['/v1/images?name=a&cursor=x', 'cursor'],
    ['/v1/snapshots?snapshotNo=x', 'snapshotNo'],
    ['/v1/operations?limit=0', 'limit'],
    ['/v1/operations?kind=deleteImage', 'kind'],
    ['/v1/operations?limit=101', 'limit'],
    ['/v1/operations?limit=1e1', 'limit'],
    ['/v1/operations?status=done', 'status'],
  ])('%s breaks a rule of %s', async (path, field) => {
    const { status, json } = await relay.request(path)
    expect([status, json.code]).toEqual([422, 'invalid-input'])
    expect(json.errors.map((error: { path: string }) => error.path)).toEqual([field])
  })
})

describe('a body', () => {
  const path = '/v1/server-images'
  test.each([
    ['text/plain'],
    ['application/json; charset=euc-kr'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data'],
    ['application/jsonp'],
    [''],
  ])('of type %j is not accepted', async (type) => {
    const asked = { method: 'POST', body: smallest, headers: { 'content-type': type } }
    expect(await code(path, asked)).toEqual([415, 'unsupported-media-type'])
  })

  test.each(['application/json', 'Application/JSON; Charset="UTF-8"', 'application/json; x=y'])(
    'of type %s is read',
    async (type) => {
      const asked = { method: 'POST', body: '{', headers: { 'content-type': type } }
      expect(await code(path, asked)).toEqual([400, 'malformed-request'])
    },
  )

  test('with a content encoding is not accepted', async () => {
    const asked = { method: 'POST', body: smallest, headers: { 'content-encoding': 'gzip' } }
    expect(await code(path, asked)).toEqual([415, 'unsupported-media-type'])
  })

  test.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['half an object', '{"name":'],
    ['a trailing comma', '{"name":"web",}'],
    ['single quotes', "{'name':'web'}"],
    ['NaN', '{"name":NaN}'],
    ['bytes that are not UTF-8', new Uint8Array([0x22, 0xc3, 0x28, 0x22])],
  ])('of %s is rejected as malformed', async (_, body) => {
    expect(await code(path, { method: 'POST', body })).toEqual([400, 'malformed-request'])
  })

  test.each(['null', '[]', '42', '"text"', 'true', '[{}]'])(
    'of the JSON value %s is rejected as invalid',
    async (body) => {
      expect(await code(path, { method: 'POST', body })).toEqual([422, 'invalid-input'])
    },
  )

  test.each([
    ['[]', [['', 'must be an object']], 'The body must be an object'],
    ['null', [['', 'must be an object']], 'The body must be an object'],
    [
      '{"name":"web-1","storages":[]}',
      [
        ['storages', 'must have at least one storage'],
        ['storages.0', 'is required'],
      ],
      'storages must have at least one storage; storages.0 is required',
    ],
    [
      '{"name":"web-1","storages":[{"snapshotNo":"1","size":20}],"notifies":[]}',
      [
        ['storages.0', 'has an unknown field: "size"'],
        ['', 'has an unknown field: "notifies"'],
      ],
      'storages.0 has an unknown field: "size"; The body has an unknown field: "notifies"',
    ],
  ])('%s is answered with its faults', async (body, faults, detail) => {
    const { json } = await relay.request(path, { method: 'POST', body })
    const errors = faults.map(([path, message]) => ({ path, message }))
    expect([json.errors, json.detail]).toEqual([errors, detail])
  })

  test('may be up to 64 KiB', async () => {
    const padded = (length: number) => {
      const text = JSON.stringify({ name: 'x' })
      return text + ' '.repeat(length - text.length)
    }
    expect(await code(path, { method: 'POST', body: padded(65_536) })).toEqual([
      422,
      'invalid-input',
    ])
    expect(await code(path, { method: 'POST', body: padded(65_537) })).toEqual([
      413,
      'body-too-large',
    ])
  })

  test('with deep nesting is rejected as invalid', async () => {
    const body = `{"name":${'['.repeat(30_000)}${']'.repeat(30_000)}}`
    expect(await code(path, { method: 'POST', body })).toEqual([422, 'invalid-input'])
  })
})

describe('Idempotency-Key', () => {
  test.each(['', ' ', 'two words', '"open', '"a"b"', '"a\\b"', 'ü', 'x'.repeat(256), '"x", "y"'])(
    '%j is malformed',
    async (key) => {
      const asked = { method: 'POST', body: smallest, headers: { 'idempotency-key': key } }
      expect(await code('/v1/server-images', asked)).toEqual([400, 'malformed-request'])
    },
  )

  test('may have parameters, which do not belong to the key', async () => {
    const create = (key: string) =>
      relay.create({ ...smallest, name: 'parameters' }, { headers: { 'idempotency-key': key } })
    const first = await create('"abc";p=1')
    expect(first.status).toBe(201)
    expect((await create('abc')).json.operationId).toBe(first.json.operationId)
  })
})

describe('the hash of an entity tag', () => {
  // Published vectors of FNV-1a, 64 bits (RFC 9923, appendix).
  test.each([
    ['', 'cbf29ce484222325'],
    ['a', 'af63dc4c8601ec8c'],
    ['b', 'af63df4c8601f1a5'],
    ['foo', 'dcb27518fed9d577'],
    ['foobar', '85944171f73967e8'],
  ])('of %j is %s', (text, hash) => {
    expect(fnv1a64(text)).toBe(hash)
  })

  test('excludes request ids but no other id', () => {
    const tag = (requestId: string, imageNo: string) =>
      etagOf(JSON.stringify({ requestId, imageNo }))
    expect(tag('a', '1')).toBe(tag('b', '1'))
    expect(tag('a', '1')).not.toBe(tag('a', '2'))
  })

  test('is compared weakly', () => {
    expect(isNamed('W/"1"', 'W/"1"') && isNamed('W/"1"', '"1"') && isNamed('W/"1"', '*')).toBe(true)
    expect(isNamed('W/"1"', '"2", W/"3"') || isNamed('W/"1"', undefined)).toBe(false)
  })
})

describe('the cause is hidden from the caller, and the log has its place in the code', () => {
  const fail = () => {
    throw new RangeError('secret words\n    at nowhere of the runtime')
  }

  test('of a defect', async () => {
    const clock = { ...systemClock, sleep: fail }
    const broken = await openRelay({ clock, gateway: { readyAfterMs: 60_000 } })
    const { status, json } = await broken.create(
      { name: 'defect', storages: [{ snapshotNo: '12344697' }] },
      { headers: { prefer: 'wait=2' } },
    )
    await broken.close()
    expect([status, json.code, json.detail]).toEqual([
      500,
      'internal',
      'Internal error. Report it with this request id',
    ])
    expect(json).not.toHaveProperty('outcome')
    expectHidden(broken, 'defect', json.requestId)
  })

  test('of a failure of the store, which also has a code and a reason', async () => {
    const store = { list: async () => fail() } as unknown as Store
    const broken = await openRelay({ store })
    const { status, json } = await broken.request('/v1/operations')
    await broken.close()
    expect([status, json.code, json.retryable]).toEqual([503, 'store-unavailable', true])
    const event = expectHidden(broken, 'store', json.requestId)
    expect(event).toMatchObject({ code: 'store-unavailable', reason: 'RangeError' })
  })

  function expectHidden({ log }: Relay, event: string, requestId: unknown) {
    const logged = log.find((one) => one.event === event)
    expect(logged).toMatchObject({ requestId })
    expect(logged?.at).toMatch(/^RangeError at .*http\.test\.ts/)
    expect(JSON.stringify(log)).not.toMatch(/secret words|nowhere/)
    return logged
  }
})

test('the log has the name of each route, and a wildcard for other paths', async () => {
  const paths = ['/healthz', '/readyz', '/openapi.json', '/v1/images/12341457', '/nope']
  const own = await openRelay()
  for (const path of paths) await own.request(path)
  await own.close()
  const actions = own.log.filter(({ event }) => event === 'request').map(({ action }) => action)
  expect(actions).toEqual([
    'GET /healthz',
    'GET /readyz',
    'GET /openapi.json',
    'GET /v1/images/:no',
    'GET /*',
  ])
})

test.each([
  ['no key', []],
  ['only an expired key', [{ ...entryOf('late'), expiresAt: '2026-01-01T00:00:00Z' }]],
])('a relay with %s logs that it has no usable key', async (_, RELAY_KEYS) => {
  const alone = await openRelay({ environment: { RELAY_KEYS } })
  expect((await alone.request('/v1/operations')).status).toBe(401)
  await alone.close()
  expect(alone.log[0]).toMatchObject({ event: 'settings', code: 'RELAY_KEYS' })
  expect(relay.log.filter(({ event }) => event === 'settings')).toEqual([])
})

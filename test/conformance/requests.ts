import fc from 'fast-check'
import { image } from '../support/bodies.ts'
import { scaled } from '../support/counts.ts'
import type { Asked } from '../support/relay.ts'

/** A recorded request. `{operation}`, `{etag}` and `{cursor}` in it stand for values of earlier answers. */
export interface Recorded extends Asked {
  path: string
}

const SEED = 20261122
const REQUESTS = scaled(2_000)

const pick = <T>(...values: T[]) => fc.constantFrom(...values)
const rarely = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 6 }, { arbitrary: pick(...others), weight: 1 })
const json = (body: object) => JSON.stringify(body)

const no = pick(
  ...['12341457', '12341458', '12341459', '23214590', '12342264', '30000001', '30000007'],
  ...['99', '0', '%31%32', 'abc', '1'.repeat(21), '한', "1'1", '-1', '..', '12341457/'],
)
/** The name of creates whose outcome stays unknown, because the gateway answers them with an error. */
export const LOST = 'lost'

const name = fc.oneof(
  { arbitrary: fc.nat({ max: 400 }).map((n) => `web-${n}`), weight: 3 },
  fc.nat({ max: 9 }).map((n) => `web-${n}`),
  fc.constant(LOST),
  pick('test-kvm', 'test-xen', 'Web', 'a', 'x'.repeat(31), '한글', 'a b', '<!channel>'),
)
const query = rarely(
  '',
  ...['?regionCode=KR', '?regionCode=JPN', '?regionCode=kr', '?regionCode=', '?more=1', '?'],
  ...['?regionCode=KR&regionCode=KR', '?%72egionCode=KR', '?regionCode=%4B%52', '?=', '?&&'],
)
const caller = rarely(
  'ci',
  ...['other', 'reader', 'maker', 'admin', '', 'nobody', 'expired', 'prefixed'],
)
const headers = fc
  .tuple(
    rarely<Record<string, string>>(
      {},
      ...[
        'text/plain',
        '*/*',
        'application/*',
        'image/png',
        'text/plain;q=0.5, */*;q=0.1',
        ';;',
      ].map((accept) => ({ accept })),
    ),
    rarely<Record<string, string>>(
      {},
      ...['*', '{etag}', 'W/"0"', '"'].map((etag) => ({ 'if-none-match': etag })),
      ...['wait=0', 'wait=21', 'respond-async', 'wait=x'].map((prefer) => ({ prefer })),
      { 'x-api-key': 'nir_both' },
      { 'cf-ray': 'theirs' },
    ),
  )
  .map(([accept, more]) => ({ ...accept, ...more }))

const read = fc.oneof(
  fc
    .tuple(pick('images', 'server-images', 'member-server-images'), no, query)
    .map(([kind, number, search]) => `/v1/${kind}/${number}${search}`),
  fc.tuple(name, query).map(([wanted, search]) => {
    return `/v1/images?name=${encodeURIComponent(wanted)}${search.replace('?', '&')}`
  }),
  fc
    .tuple(pick('', 'snapshotNo=12344697', 'originalBlockStorageNo=1', 'snapshotNo=x'), query)
    .map(([filter, search]) => `/v1/snapshots?${filter}${search.replace('?', '&')}`),
  pick(
    '/healthz',
    '/readyz',
    '/openapi.json',
    '/problems',
    '/nope',
    '/v1',
    '/',
    '/v1/images',
    '/v1/jobs',
  ),
  pick('{operation}', '{operation}?x=1', '/v1/operations/op_none', '/v1/operations/%00'),
  fc
    .tuple(pick('', 'limit=1', 'limit=100', 'limit=0', 'limit=1.5'), pick('', 'status=pending'))
    .map((filters) => `/v1/operations?${filters.filter(Boolean).join('&')}`),
  pick(
    '/v1/operations?cursor={cursor}&limit=3',
    '/v1/operations?cursor=x',
    '/v1/operations?status=x',
  ),
)

const body = fc.oneof(
  // The simulated gateway has two of these snapshots: 12344697, and 12344698, which is not bootable.
  fc.tuple(name, rarely('12344697', '12344698', '7')).map(([wanted, snapshotNo]) => {
    return json({ name: wanted, storages: [{ snapshotNo }] })
  }),
  image.map((content) => json({ ...content, regionCode: 'KR' })),
  image.map((content) => json({ ...content, more: 1, storages: [] })),
  fc.tuple(image, fc.nat()).map(([content, at]) => {
    const text = json(content)
    return text.slice(0, at % text.length)
  }),
  fc.uint8Array({ maxLength: 40 }),
  pick('', 'null', '[]', '"x"', '{}', `{"name":"${'x'.repeat(66_000)}"}`, '\ufeff{}', '{"a":1}\0'),
)
const writeHeaders = fc
  .tuple(
    headers,
    rarely<Record<string, string>>(
      {},
      ...['k1', '"k1"', 'k2', 'k3', '', 'two words', 'k\u00e9y', '"open', 'x'.repeat(256)].map(
        (key) => ({ 'idempotency-key': key }),
      ),
    ),
    rarely<Record<string, string>>(
      {},
      ...['text/plain', 'application/json; charset=utf-8', 'application/json; charset=utf-16'].map(
        (type) => ({ 'content-type': type }),
      ),
      { 'content-encoding': 'gzip' },
      { 'content-type': 'application/octet-stream' },
    ),
  )
  .map((parts) => Object.assign({}, ...parts) as Record<string, string>)
const write = fc.oneof(
  { arbitrary: rarely('/v1/server-images', '/v1/server-images?dryRun=true'), weight: 6 },
  {
    arbitrary: pick(
      ...[
        '{operation}/resolution',
        '/v1/operations/op_none/resolution',
        '/v1/images/1',
        '/healthz',
      ],
      ...['/v1/server-images?dryRun=false', '/v1/server-images?dryRun=x', '/v1/server-images?a=1'],
    ),
    weight: 1,
  },
)

const recorded: fc.Arbitrary<Recorded> = fc.oneof(
  { arbitrary: fc.record({ path: read, as: caller, headers }), weight: 5 },
  {
    arbitrary: fc.record({
      method: fc.constant('POST'),
      path: write,
      as: fc.oneof({ arbitrary: caller, weight: 4 }, fc.constant('limited')),
      headers: writeHeaders,
      body,
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      method: pick('HEAD', 'DELETE', 'PUT', 'PATCH', 'OPTIONS'),
      path: read,
      as: caller,
      headers,
    }),
    weight: 1,
  },
)

/** The recorded requests, which are the same in every run. */
export const requests = fc.sample(recorded, { numRuns: REQUESTS, seed: SEED })

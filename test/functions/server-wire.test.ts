import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, openGateway } from '../gateway/gateway.ts'
import { secrets } from '../support/canaries.ts'
import { scaled } from '../support/counts.ts'
import { builtNames, openDoor, type ProcessDoor } from '../support/doors.ts'
import { keyOf } from '../support/keys.ts'
import { answerTo } from '../support/raw-connection.ts'
import { environmentFor } from '../support/relay.ts'

const servers = builtNames.filter((name) => !name.startsWith('workerd'))
const REQUESTS = scaled(2_000)
const SEED = 20261129

const pick = (...values: string[]) => fc.constantFrom(...values)
const join = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((each) => each.join(''))
const usually = (usual: string, other: fc.Arbitrary<string>) =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 3 }, { arbitrary: other, weight: 1 })

/** Any bytes but those that end a line. */
const bytes = fc
  .string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) })
  .map((text) => text.replace(/[\r\n]/g, ''))
const visible = fc.string({
  unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
})

const method = usually(
  'GET',
  pick('POST', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT', 'get', 'PATCH', 'X'),
)
const path = fc.oneof(
  pick(
    '/healthz',
    '/v1/images/12341457',
    '/v1/operations',
    '/v1/images',
    '/',
    '*',
    '',
    '//',
    '/%zz',
  ),
  pick(
    '/v1/../healthz',
    '/v1/images/%00',
    '/./healthz',
    '/v1/images/%2e%2e',
    '/\\healthz',
    'healthz',
  ),
  join(pick('http://', 'https://', 'ftp://', 'HTTP://'), visible, pick('', '/', '/healthz')),
  join(fc.constant('/'), visible),
)
const query = usually(
  '',
  fc.oneof(join(fc.constant('?'), visible), pick('?', '?a=%', '?a=%ff', '?=&=', '#a')),
)
const version = usually('HTTP/1.1', pick('HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/1', ''))

const name = fc.oneof(
  pick('relay', '127.0.0.1', '[::1]', '', '1.2.3.4.5', '[::1', 'a b', 'x/y?', 'a@b'),
  visible,
  bytes,
)
const port = usually('', pick(':', ':80', ':99999', ':x', ':-1', ':0080'))
const hosts = fc.oneof(
  { arbitrary: join(fc.constant('Host: '), name, port).map((line) => [line]), weight: 6 },
  fc.constant([]),
  fc.constant(['Host: one', 'Host: two']),
  fc.constant(['Host : relay']),
)
const quoted = fc.oneof(
  pick('wait=1', '"wait=1"', 'foo="bar, wait=9"', 'foo="\\"', '"', 'a;b=",";q=0.1', ',,,', ';;'),
  bytes,
)
const header = join(
  pick(
    'Accept',
    'Prefer',
    'Idempotency-Key',
    'If-None-Match',
    'X-API-Key',
    'Authorization',
    'Cookie',
  ),
  pick(': ', ':', ':\t'),
  quoted,
)
const body = usually(
  '',
  pick('Content-Length: 2\r\n\r\n{}', 'Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n'),
)

const request = fc
  .record({
    method,
    path,
    query,
    version,
    hosts,
    headers: fc.array(header, { maxLength: 2 }),
    body,
  })
  .map((parts) => {
    const lines = [
      `${parts.method} ${parts.path}${parts.query} ${parts.version}`,
      ...parts.hosts,
      `X-API-Key: ${keyOf('ci')}`,
      'Connection: close',
      ...parts.headers,
    ]
    return `${lines.join('\r\n')}\r\n${parts.body || '\r\n'}`
  })

const requests = fc.sample(request, { numRuns: REQUESTS, seed: SEED })

let gateway: Gateway
beforeAll(async () => {
  gateway = await openGateway({ ...secrets, readyAfterMs: 0 })
})
afterAll(() => gateway.close())

describe.concurrent.each(servers)('the server on %s', (name) => {
  let door: ProcessDoor
  beforeAll(async () => {
    door = await openDoor(name, environmentFor(gateway.origin))
  })
  afterAll(() => door.close())

  test(`answers none of ${REQUESTS} odd requests as a defect`, async () => {
    const defects: string[] = []
    for (let i = 0; i < requests.length; i += 10) {
      await Promise.all(
        requests.slice(i, i + 10).map(async (text) => {
          const { status } = await answerTo(door.url, text)
          if (status === 500) defects.push(text)
        }),
      )
    }
    expect(defects).toEqual([])
    expect(door.output()).not.toContain('"event":"defect"')
    expect((await door.request('/healthz')).status).toBe(200)
  })
})

import { expect, test } from 'vitest'
import { openGateway } from '../gateway/gateway.ts'
import { secrets } from '../support/canaries.ts'
import { isCampaign } from '../support/counts.ts'
import { type Door, type Environment, openApp } from '../support/doors.ts'
import { type Answered, environmentFor } from '../support/relay.ts'
import { LOST, requests } from './requests.ts'

const CREATE = 'createServerImageFromSnapshot'

type Open = (environment: Environment) => Promise<Door>

/** The headers that the relay sets and that do not depend on ids or times. */
const HEADERS = [
  ...['allow', 'cache-control', 'content-type', 'idempotent-replayed', 'location'],
  ...['preference-applied', 'vary', 'www-authenticate'],
]
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
/** Matches times of this year, in both notations of an offset. The times in the fixtures are older. */
const NOW = new RegExp(
  `${new Date().getFullYear()}-\\d\\d-\\d\\dT[0-9:.]{8,12}(Z|[+-]\\d\\d:?\\d\\d)`,
  'g',
)

/** Tests that a relay answers the recorded requests byte for byte like the app, except for ids and times. */
export function paritySuite(open: Open) {
  test(`answers ${requests.length} recorded requests like the app`, async () => {
    const [answers, expected] = [await play(open), await play(openApp)]
    for (const [i, answer] of answers.entries()) {
      expect({ request: requests[i], answer }).toEqual({
        request: requests[i],
        answer: expected[i],
      })
    }
    const all = [200, 201, 202, 304, 400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 429]
    const statuses = new Set(answers.map(({ status }) => status))
    if (isCampaign) expect([...statuses].sort()).toEqual(all)
    else expect(statuses.size).toBeGreaterThan(all.length / 2)
  })
}

async function play(open: Open) {
  // Images are ready at once. A slow relay would read an unfinished one again between two requests.
  const gateway = await openGateway({ ...secrets, readyAfterMs: 0 })
  const times = Number.POSITIVE_INFINITY
  gateway.inject({ fault: 'endpoint-error', action: CREATE, of: LOST, times })
  const door = await open(environmentFor(gateway.origin))
  const seen = { operation: '/v1/operations/op_none', etag: 'W/"0"', cursor: 'none' }
  const ids = new Map<string, string>()
  const answers = []
  for (const { path, ...asked } of requests) {
    const headers = filledIn(asked.headers ?? {}, seen)
    const { path: filled = '' } = filledIn({ path }, seen)
    const answered = await door.request(filled, { ...asked, headers })
    seen.operation = answered.headers.get('location') ?? seen.operation
    seen.etag = answered.headers.get('etag') ?? seen.etag
    seen.cursor = answered.json?.next ?? seen.cursor
    answers.push(comparable(answered, ids))
  }
  await door.close()
  await gateway.close()
  return answers
}

function filledIn(values: Record<string, string>, seen: Record<string, string>) {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value.replace(/\{(operation|etag|cursor)\}/g, (_, what) => seen[what] ?? ''),
    ]),
  )
}

/** Returns the comparable part of an answer: ids are numbered in order, and times and values from them are replaced. */
function comparable({ status, headers, text }: Answered, ids: Map<string, string>) {
  const same = (value: string) =>
    value
      .replace(/op_\w+/g, (id) => {
        ids.set(id, ids.get(id) ?? `operation ${ids.size}`)
        return ids.get(id) ?? ''
      })
      .replace(NOW, 'now')
      .replace(/\d{1,2} [A-Z][a-z]{2} \d\d:\d\d UTC\+9/g, 'now')
      .replace(/"next":"[^"]+"/, '"next":"a cursor"')
      // Only some of the entries tick by themselves.
      .replace(/\{"status":"ok"(,"lastTick":"[^"]+")?\}/, 'ok')
  const withoutUuids = text.replace(UUID, 'id')
  const body = same(withoutUuids)
  const isTimeless = body === withoutUuids && text !== ''
  const compared = HEADERS.map((name) => [name, same(headers.get(name) ?? '')])
  return {
    status,
    headers: Object.fromEntries(compared),
    // Some values are the seconds until a fixed time.
    hasRetryAfter: headers.has('retry-after'),
    etag: isTimeless ? headers.get('etag') : headers.has('etag'),
    body,
  }
}

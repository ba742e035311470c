import { describe, expect, test } from 'vitest'
import { httpTransport } from '../../functions/platform/server/http-transport.ts'
import type { Transport } from '../../shared/ncloud/transport.ts'
import { type FaultName, faults } from '../gateway/faults.ts'
import { openRelay, type Relay, smallest } from '../relay.ts'

const DETAIL = 'getServerImageDetail'
const CREATE = 'createServerImageFromSnapshot'

/** What a read is answered with: status and code. What a create is answered with: status, and state or code. */
type Expected = [read: [number, string?], create: [number, string]]

const fine: Expected = [[200], [201, 'created']]
const malformed: Expected = [
  [502, 'upstream-malformed'],
  [202, 'unknown'],
]
const unreachable: Expected = [
  [502, 'upstream-unreachable'],
  [202, 'unknown'],
]
const late: Expected = [
  [504, 'upstream-timeout'],
  [202, 'unknown'],
]
const failed: Expected = [
  [502, 'upstream-error'],
  [202, 'unknown'],
]
const refused: Expected = [
  [422, 'upstream-refused'],
  [422, 'upstream-refused'],
]
const notPermitted: Expected = [
  [502, 'upstream-permission'],
  [502, 'upstream-permission'],
]
const throttled: Expected = [
  [429, 'upstream-throttled'],
  [202, 'accepted'],
]
const credentials: Expected = [
  [502, 'upstream-credentials'],
  [202, 'accepted'],
]

/** By the contract, sections 4 and 5: all that an answer can be. */
const expected: Record<FaultName, Expected> = {
  'html-502': failed,
  'html-200': malformed,
  'empty-200': malformed,
  'xml-success': malformed,
  'xml-response-error': refused,
  'xml-gateway-error': refused,
  'json-as-text-plain': fine,
  'wrong-root': fine,
  'unknown-root': malformed,
  'failing-return-code': malformed,
  'error-in-200': malformed,
  'response-error-in-200': malformed,
  'doc-sample-invalid': malformed,
  truncated: malformed,
  'reset-before': unreachable,
  'reset-in-body': unreachable,
  'close-before': unreachable,
  'close-in-body': unreachable,
  hang: late,
  'hang-in-body': late,
  drip: late,
  giant: malformed,
  deep: malformed,
  'deep-open': malformed,
  'invalid-utf8': malformed,
  'byte-order-mark': fine,
  redirect: malformed,
  throttled,
  'throttled-absurd': throttled,
  'throttled-negative': throttled,
  'throttled-date': throttled,
  'throttled-text': throttled,
  'throttled-bare': throttled,
  'quota-exceeded': throttled,
  'rate-limited': throttled,
  credentials,
  'numeric-error-code': credentials,
  permission: notPermitted,
  authority: notPermitted,
  'not-found-url': refused,
  'too-large': refused,
  'bad-request': refused,
  forbidden: [
    [502, 'upstream-permission'],
    [202, 'unknown'],
  ],
  'endpoint-error': failed,
  'endpoint-timeout': failed,
  unexpected: failed,
  'try-later': failed,
  refused,
  'no-such-image': [
    [404, 'image-not-found'],
    [422, 'upstream-refused'],
  ],
  'response-code-variant': failed,
  'numeric-return-code': fine,
  'extra-fields': fine,
  'missing-fields': fine,
  'unknown-codes': fine,
  'rows-lie': fine,
  // Compression was not asked for.
  gzip: malformed,
  'gzip-bomb': malformed,
  informational: fine,
}

const retryable = [
  'upstream-throttled',
  'upstream-error',
  'upstream-unreachable',
  'upstream-timeout',
]

/** What a caller who is told to wait is told, in seconds, by fault. */
const waits: Partial<Record<FaultName, string>> = {
  throttled: '1',
  'throttled-absurd': '3600',
  'throttled-date': '2',
  'throttled-negative': '5',
  'throttled-text': '5',
  'throttled-bare': '5',
  'quota-exceeded': '5',
  'rate-limited': '5',
}

async function withRelay<Result>(work: (relay: Relay) => Promise<Result>, transport?: Transport) {
  const relay = await openRelay({ ...(transport && { transport }) })
  try {
    return await work(relay)
  } finally {
    await relay.close()
  }
}

const times = Number.POSITIVE_INFINITY

test('every fault of the simulated gateway is in the table', () => {
  expect(Object.keys(expected).sort()).toEqual(Object.keys(faults).sort())
})

describe.concurrent.each(Object.entries(expected))('%s', (name, [read, create]) => {
  const fault = name as FaultName

  test('on a read', { timeout: 60_000 }, () =>
    withRelay(async (relay) => {
      relay.gateway.inject({ fault, action: DETAIL, times })
      const startedAt = performance.now()
      const { status, json, headers } = await relay.request('/v1/server-images/12341457')
      expect(performance.now() - startedAt).toBeLessThan(11_000)
      const [expectedStatus, code] = read
      expect([status, json.code]).toEqual([expectedStatus, code])
      if (code) expect(json.retryable).toBe(retryable.includes(code))
      if (waits[fault]) expect(headers.get('retry-after')).toBe(waits[fault])
      const attempts = relay.gateway.received
      expect(attempts.length).toBeLessThanOrEqual(3)
      const isRepeated =
        code !== undefined && (retryable.includes(code) || code === 'upstream-credentials')
      if (!isRepeated) expect(attempts).toHaveLength(1)
      // The first mebibyte was read; what lies between the two ends is the kernel's.
      for (const { sent } of attempts) expect(sent).toBeLessThan(16 * 1_048_576)
    }),
  )

  test('on a create', { timeout: 60_000 }, () =>
    withRelay(async (relay) => {
      relay.gateway.inject({ fault, action: CREATE, times })
      const startedAt = performance.now()
      const { status, json } = await relay.create(smallest)
      expect(performance.now() - startedAt).toBeLessThan(26_000)
      const [expectedStatus, outcome] = create
      expect([status, json.state ?? json.code]).toEqual([expectedStatus, outcome])
      const readCode = read[1]
      if (status === 202) expect(json.problem.code).toBe(readCode)
      if (status >= 400) expect(json.outcome).toBe('not-applied')
      const sent = relay.gateway.received.filter(({ action }) => action === CREATE)
      expect(sent).toHaveLength(readCode === 'upstream-credentials' ? 2 : 1)
      expect(relay.gateway.received.every(({ target }) => target.startsWith('/vserver/'))).toBe(
        true,
      )
    }),
  )
})

describe('a gateway that is not there', () => {
  // Port 9 of this machine, where nobody listens.
  const nowhere = (only: 'GET' | 'POST'): Transport => {
    const transport = httpTransport()
    return (request, timeoutMs) => {
      const url = new URL(request.url.pathname, 'http://127.0.0.1:9')
      return transport(request.method === only ? { ...request, url } : request, timeoutMs)
    }
  }

  test('on a read', () =>
    withRelay(async (relay) => {
      const { status, json } = await relay.request('/v1/server-images/12341457')
      expect([status, json.code, json.retryable]).toEqual([502, 'upstream-unreachable', true])
    }, nowhere('GET')))

  test('on a create', () =>
    withRelay(async (relay) => {
      const { status, json } = await relay.create(smallest)
      expect([status, json.state]).toEqual([202, 'unknown'])
      expect(json.problem.code).toBe('upstream-unreachable')
    }, nowhere('POST')))

  test('on the look-up before a create: nothing was sent', () =>
    withRelay(async (relay) => {
      const { status, json } = await relay.create(smallest)
      expect([status, json.state, json.attempt]).toEqual([202, 'accepted', 0])
    }, nowhere('GET')))
})

test('the documents’ own create answer, printed as invalid JSON, leaves an unknown outcome', () =>
  withRelay(async (relay) => {
    relay.gateway.inject({ fault: 'doc-sample-invalid', action: CREATE, applied: true })
    const { status, json, headers } = await relay.create(smallest)
    expect([status, json.state, json.problem.code]).toEqual([202, 'unknown', 'upstream-malformed'])
    expect(json.image).toBeNull()
    expect(headers.get('retry-after')).toBe('30')
    const again = await relay.create(smallest)
    expect([again.status, again.json.creationId]).toEqual([202, json.creationId])
  }))

test('a redirect is not followed, so key and signature go nowhere else', () =>
  withRelay(async (relay) => {
    relay.gateway.inject({ fault: 'redirect' })
    await relay.request('/v1/server-images/12341457')
    expect(relay.gateway.received.map(({ target }) => target.split('?')[0])).toEqual([
      `/vserver/v2/${DETAIL}`,
    ])
  }))

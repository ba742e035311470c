import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultName, faults } from '../gateway/faults.ts'
import { type Gateway, openGateway } from '../gateway/gateway.ts'
import { secrets } from '../support/canaries.ts'
import { isCampaign, sampled } from '../support/counts.ts'
import type { Door, Environment } from '../support/doors.ts'
import { environmentFor, smallest } from '../support/relay.ts'

const DETAIL = 'getServerImageDetail'
const CREATE = 'createServerImageFromSnapshot'

/** The expected answers: to a read its status and code, to a create its HTTP status, and its own status or code. */
type Expected = [read: [number, string?], create: [number, string]]

const fine: Expected = [[200], [201, 'ready']]
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

/** The expected answers for each fault, by sections 4 and 5 of the contract. */
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
  // The last text is not one that decides.
  'invalid-utf8': fine,
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
  'forbidden-permission': [
    [502, 'upstream-permission'],
    [202, 'unknown'],
  ],
  'endpoint-error': failed,
  'endpoint-timeout': failed,
  unexpected: failed,
  'try-later': failed,
  refused,
  'quoted-headers': refused,
  // NAVER Cloud is busy with something that ends by itself.
  'in-operation': [
    [422, 'upstream-refused'],
    [202, 'accepted'],
  ],
  'no-such-image': [
    [404, 'image-not-found'],
    [422, 'upstream-refused'],
  ],
  'response-code-variant': failed,
  'numeric-return-code': fine,
  'extra-fields': fine,
  'missing-fields': fine,
  // Codes without a documented meaning are shown, and followed until they have one.
  'unknown-codes': [[200], [201, 'pending']],
  'odd-types': fine,
  'edited-description': fine,
  'another-row': malformed,
  'repeated-rows': malformed,
  slow: fine,
  'rows-lie': fine,
  // The relay does not request gzip, but some runtimes always decode it, so the relay decodes it on all of them.
  gzip: fine,
  'gzip-bomb': malformed,
  informational: fine,
  'switching-protocols': malformed,
}

const retryable = [
  'upstream-throttled',
  'upstream-error',
  'upstream-unreachable',
  'upstream-timeout',
]

/** The expected Retry-After in seconds, by fault. */
const retryAfter: Partial<Record<FaultName, string>> = {
  throttled: '1',
  'throttled-absurd': '3600',
  'throttled-date': '2',
  'throttled-negative': '5',
  'throttled-text': '5',
  'throttled-bare': '5',
  'quota-exceeded': '5',
  'rate-limited': '5',
}

const times = Number.POSITIVE_INFINITY

/**
 * Tests that a relay reports every fault of the gateway correctly, on new and on reused connections, and that each
 * attempt of a create arrives once.
 */
export function faultSuite(
  open: (environment: Environment) => Promise<Door>,
  { poolsCreates = false, part }: { poolsCreates?: boolean; part?: number } = {},
) {
  test('the table has every fault of the simulated gateway', () => {
    expect(Object.keys(expected).sort()).toEqual(Object.keys(faults).sort())
  })

  describe.concurrent.each([
    ['new', false],
    ['reused', true],
  ])('on %s connections', (_, keepAlive) => {
    let gateway: Gateway
    let door: Door
    beforeAll(async () => {
      gateway = await openGateway({ ...secrets, readyAfterMs: 0, keepAlive })
      door = await open(environmentFor(gateway.origin))
      for (let reads = 0; reads < 5; reads++) await door.request('/v1/images/12341457')
    })
    afterAll(async () => {
      await door?.close()
      await gateway.close()
    })
    const arrivedOf = (value: string) =>
      gateway.received.filter(({ parameters }) => Object.values(parameters).includes(value))

    describe.concurrent.each(sampled(Object.entries(expected), part))(
      '%s',
      (name, [read, create]) => {
        const fault = name as FaultName

        test('answers a read', async () => {
          const { no } = gateway.images.add()
          gateway.inject({ fault, action: DETAIL, of: no, times })
          const { status, json, headers } = await door.request(`/v1/server-images/${no}`)
          const [expectedStatus, code] = read
          expect([status, json.code]).toEqual([expectedStatus, code])
          if (code) expect(json.retryable).toBe(retryable.includes(code))
          if (retryAfter[fault]) expect(headers.get('retry-after')).toBe(retryAfter[fault])
          const arrived = arrivedOf(no)
          // Some runtimes repeat a GET by themselves. The repeat has the same timestamp, so it is not a new attempt.
          const attempts = new Set(
            arrived.map(({ headers: sent }) => sent['x-ncp-apigw-timestamp']),
          )
          expect(attempts.size).toBeLessThanOrEqual(3)
          const isRepeated =
            code !== undefined && (retryable.includes(code) || code === 'upstream-credentials')
          // On a busy machine an attempt may reach its time limit, and is then repeated.
          const requestId = headers.get('x-request-id') ?? ''
          const slow = door
            .output()
            .split('\n')
            .filter((line) => line.includes(requestId) && line.includes('"upstream-timeout"'))
          if (!isRepeated) expect(arrived).toHaveLength(1 + slow.length)
          // The relay reads 2 MiB. The kernel's buffers may hold more.
          for (const { sent } of arrived) expect(sent).toBeLessThan(16 * 1_048_576)
        })

        test('answers a create', async () => {
          const body = { ...smallest, name: `web-${name}` }
          gateway.inject({ fault, action: CREATE, of: body.name, times })
          const { status, json } = await door.request('/v1/server-images', { method: 'POST', body })
          const [expectedStatus, outcome] = create
          expect([status, json.code ?? json.status]).toEqual([expectedStatus, outcome])
          const readCode = read[1]
          if (status === 202) expect(json.problem.code).toBe(readCode)
          if (status >= 400) expect(json.outcome).toBe('not-applied')
          const arrived = arrivedOf(body.name)
          const attempts = arrived.filter(({ action }) => action === CREATE)
          expect(attempts).toHaveLength(readCode === 'upstream-credentials' ? 2 : 1)
          // Following a redirect would send key and signature to another address.
          expect(arrived.filter(({ target }) => !target.startsWith('/vserver/'))).toEqual([])
        })
      },
    )

    // With only a part of the faults, no connection may be left to reuse.
    test.runIf(isCampaign || part === undefined)('reuses connections for creates if pooled', () => {
      const creates = gateway.received.filter(({ action }) => action === CREATE)
      const onUsed = creates.filter(({ ordinal }) => ordinal > 1)
      expect(onUsed.length > 0).toBe(keepAlive && poolsCreates)
    })
  })
}

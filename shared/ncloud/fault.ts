import {
  type Effect,
  Problem,
  type ProblemCode,
  type ProblemExtras,
  type Upstream,
} from '../problem.ts'
import type { About } from './action.ts'

/** All that can go wrong with a call to the gateway, and whether a write may have happened all the same. */
const FAULTS = {
  protocol: ['upstream-refused', 'none', 'NAVER Cloud refused the form of the request'],
  credentials: ['upstream-credentials', 'none', 'NAVER Cloud refused the key pair of the relay'],
  permission: ['upstream-permission', 'none', 'The key pair of the relay lacks a permission'],
  forbidden: ['upstream-permission', 'possible', 'NAVER Cloud forbids the call'],
  throttled: ['upstream-throttled', 'none', 'NAVER Cloud asks for fewer calls'],
  throttledElsewhere: ['upstream-throttled', 'possible', 'NAVER Cloud asks for fewer calls'],
  refused: ['upstream-refused', 'look-up', 'NAVER Cloud refused the request'],
  unauthorised: ['upstream-permission', 'look-up', 'The key pair of the relay lacks a permission'],
  absent: ['image-not-found', 'look-up', 'There is no such image'],
  failed: ['upstream-error', 'possible', 'NAVER Cloud failed'],
  malformed: ['upstream-malformed', 'possible', 'The answer of NAVER Cloud cannot be read'],
  unreachable: ['upstream-unreachable', 'possible', 'The connection to NAVER Cloud failed'],
  timeout: ['upstream-timeout', 'possible', 'NAVER Cloud did not answer in time'],
} as const satisfies Record<string, readonly [ProblemCode, Effect, string]>

/** The closed list of upstream faults. */
export type Fault = keyof typeof FAULTS

/**
 * Faults by HTTP status and `errorCode` of the gateway's own errors.
 * Source: https://api-gov.ncloud-docs.com/docs/api-call-lgc-errorhandling
 */
const GATEWAY_ERRORS = new Map<string, Fault>([
  ['400/100', 'protocol'],
  ['401/200', 'credentials'],
  ['401/210', 'permission'],
  ['403/230', 'forbidden'],
  ['404/300', 'protocol'],
  ['413/430', 'protocol'],
  ['429/400', 'throttled'],
  ['429/410', 'throttled'],
  ['429/420', 'throttled'],
])

/** `returnCode` of a missing permission, at any HTTP status. */
const UNAUTHORISED = '800'

/**
 * The `returnCode`s that mean "no such image", at any HTTP status. Which one the two detail calls give is not
 * documented; 1104037 "The server image could not be found." is the one known in public.
 */
const ABSENT = new Set(['1104037'])

/** The fault of an answer that is none of NAVER Cloud's own errors, by its HTTP status. */
export function faultOfStatus(status: number): Fault {
  if (status === 429) return 'throttledElsewhere'
  return status >= 500 ? 'failed' : 'malformed'
}

/** The fault of an `error` of the gateway. */
export function faultOfGatewayError(status: number, errorCode: string): Fault {
  return GATEWAY_ERRORS.get(`${status}/${errorCode}`) ?? faultOfStatus(status)
}

/** The fault of a `responseError` of the Server API; `reads`: whether the action only reads. */
export function faultOfResponseError(status: number, returnCode: string, reads: boolean): Fault {
  if (reads && ABSENT.has(returnCode)) return 'absent'
  if (returnCode === UNAUTHORISED) return 'unauthorised'
  return isClientError(status) && status !== 429 ? 'refused' : faultOfStatus(status)
}

function isClientError(status: number | undefined) {
  return status !== undefined && status >= 400 && status < 500
}

/** What an answer without a row is. @throws Problem `image-not-found` */
export function noSuchImage({ action, gatewayTime }: About): never {
  throw upstreamProblem('absent', { action }, { gatewayTime })
}

/** The problem that a fault is to callers. `more` is appended to its detail. */
export function upstreamProblem(
  fault: Fault,
  upstream: Upstream,
  extras: Pick<ProblemExtras, 'retryAfterSeconds' | 'gatewayTime' | 'cause'> & {
    more?: string
  } = {},
): Problem {
  const [code, stated, detail] = FAULTS[fault]
  // A refusal inside a 200 or a 5xx contradicts itself, so it proves nothing.
  const effect = stated === 'look-up' && !isClientError(upstream.status) ? 'possible' : stated
  const { more = '', ...rest } = extras
  return new Problem(code, detail + more, { upstream, effect, ...rest })
}

import {
  type Effect,
  Problem,
  type ProblemCode,
  type ProblemExtras,
  type Upstream,
} from '../problem.ts'
import type { ResponseMeta } from './action.ts'

/** The faults of a call to the gateway: problem code, possible effect of a write, and detail. */
const FAULTS = {
  protocol: ['upstream-refused', 'none', 'NAVER Cloud did not accept the form of the request'],
  credentials: ['upstream-credentials', 'none', 'NAVER Cloud refused the key pair of the relay'],
  permission: ['upstream-permission', 'none', 'The sub account of the relay lacks a permission'],
  forbidden: ['upstream-permission', 'possible', 'NAVER Cloud does not allow this call'],
  throttled: ['upstream-throttled', 'none', 'NAVER Cloud received too many calls'],
  throttledElsewhere: ['upstream-throttled', 'possible', 'NAVER Cloud received too many calls'],
  refused: ['upstream-refused', 'look-up', 'NAVER Cloud refused the request'],
  unauthorised: [
    'upstream-permission',
    'look-up',
    'The sub account of the relay lacks a permission',
  ],
  absent: ['image-not-found', 'look-up', 'NAVER Cloud has no image with this number'],
  failed: ['upstream-error', 'possible', 'NAVER Cloud reported an error of its own'],
  malformed: ['upstream-malformed', 'possible', 'NAVER Cloud sent an answer that cannot be read'],
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

/** The `returnCode` for a missing permission, at any HTTP status. */
const UNAUTHORISED = '800'

/**
 * The `returnCode`s for an image that does not exist, at any HTTP status. NAVER Cloud does not document which one the two
 * detail calls give; 1104037 "The server image could not be found." is publicly known.
 */
const ABSENT = new Set(['1104037'])

/** Returns the fault of an answer of unknown form, by its HTTP status. */
export function faultOfStatus(status: number): Fault {
  if (status === 429) return 'throttledElsewhere'
  return status >= 500 ? 'failed' : 'malformed'
}

/** Returns the fault of the gateway's `error`. */
export function faultOfGatewayError(status: number, errorCode: string): Fault {
  return GATEWAY_ERRORS.get(`${status}/${errorCode}`) ?? faultOfStatus(status)
}

/** Returns the fault of the Server API's `responseError`. */
export function faultOfResponseError(status: number, returnCode: string, isRead: boolean): Fault {
  if (isRead && ABSENT.has(returnCode)) return 'absent'
  if (returnCode === UNAUTHORISED) return 'unauthorised'
  return isClientError(status) && status !== 429 ? 'refused' : faultOfStatus(status)
}

function isClientError(status: number | undefined) {
  return status !== undefined && status >= 400 && status < 500
}

/** Throws the problem of an answer without a row. @throws Problem `image-not-found` */
export function noSuchImage({
  action,
  gatewayTime,
}: Pick<ResponseMeta, 'action' | 'gatewayTime'>): never {
  throw upstreamProblem('absent', { action }, { gatewayTime })
}

/** Returns the problem of a fault. `more` is appended to its detail. */
export function upstreamProblem(
  fault: Fault,
  upstream: Upstream,
  extras: Pick<ProblemExtras, 'retryAfterSeconds' | 'gatewayTime' | 'cause'> & {
    more?: string
  } = {},
): Problem {
  const [code, stated, detail] = FAULTS[fault]
  // A refusal with HTTP 200 or 5xx contradicts itself, so it does not prove that the write had no effect.
  const effect = stated === 'look-up' && !isClientError(upstream.status) ? 'possible' : stated
  const { more = '', ...rest } = extras
  return new Problem(code, detail + more, { upstream, effect, ...rest })
}

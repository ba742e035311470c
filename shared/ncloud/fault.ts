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
  unauthenticated: [
    'upstream-credentials',
    'look-up',
    'NAVER Cloud refused the key pair of the relay',
  ],
  credentialsElsewhere: [
    'upstream-credentials',
    'possible',
    'NAVER Cloud refused the key pair of the relay',
  ],
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
  ['404/300', 'protocol'],
  ['413/430', 'protocol'],
  ['429/400', 'throttled'],
  ['429/410', 'throttled'],
  ['429/420', 'throttled'],
])

/**
 * The `returnCode`s of refusals that pass by themselves: NAVER Cloud is busy with something that must end first.
 * Source: https://github.com/NaverCloudPlatform/terraform-provider-ncloud
 */
const PASSING = new Set([
  /** Previous servers are not entirely terminated. */
  '23003',
  /** A server is created and terminated at once. */
  '23006',
  /** A mounted storage is being detached. */
  '24002',
  /** An object is in operation. */
  '25013',
  /** A server is in operation. */
  '25017',
  /** A port forwarding is in operation. */
  '25033',
  /** A scaling activity is in progress. */
  '50160',
  /** "Please try again in a few minutes." */
  '80031',
  /** An access control group is being changed. */
  '1007009',
  /** The rules of a network ACL are being changed. */
  '1012005',
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
  if (status === 401) return 'credentialsElsewhere'
  if (status === 403) return 'forbidden'
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
  if (returnCode === UNAUTHORISED || status === 403) return 'unauthorised'
  if (status === 401) return 'unauthenticated'
  return isClientError(status) && status !== 429 ? 'refused' : faultOfStatus(status)
}

function isClientError(status: number | undefined) {
  return status !== undefined && status >= 400 && status < 500
}

/** True for a refusal that passes by itself, so that the same request can succeed later. */
export function passesByItself({ code, extras }: Problem): boolean {
  return code === 'upstream-refused' && PASSING.has(extras.upstream?.code ?? '')
}

/** Throws the problem of an answer without a row. @throws Problem `image-not-found` */
export function noSuchImage({
  action,
  gatewayTime,
}: Pick<ResponseMeta, 'action' | 'gatewayTime'>): never {
  throw upstreamProblem('absent', { action }, { gatewayTime })
}

const BLANK = '***'

/** The signs of base64 as they are, or encoded for a URL, for HTML or for JSON. The padding at the end may be missing. */
const SIGNS = String.raw`(?:%[0-9a-f]{2}|&#?\w{1,6};|\\u00[0-9a-f]{2}|[^0-9a-z]){0,3}`

/** Returns a text of the gateway with secrets blanked, because its messages may quote the headers of a request. */
export function blanked(text: string, secrets: readonly string[]): string {
  const patterns = secrets.filter(Boolean).map((secret) => {
    return new RegExp(
      secret.replace(/[^0-9a-z]+/gi, () => SIGNS),
      'gi',
    )
  })
  return patterns.reduce((left, pattern) => left.replace(pattern, BLANK), text)
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

import * as v from 'valibot'
import { Phase } from './image.ts'
import { STATUSES } from './operations/state.ts'

/** All failures that a caller can receive. The code is the contract: each code has one status and one title. */
const PROBLEMS = {
  'malformed-request': { status: 400, title: 'Malformed request', retryable: false },
  unauthenticated: { status: 401, title: 'Unauthenticated', retryable: false },
  forbidden: { status: 403, title: 'Forbidden', retryable: false },
  'not-found': { status: 404, title: 'Not found', retryable: false },
  'image-not-found': { status: 404, title: 'Image not found', retryable: false },
  'job-not-found': { status: 404, title: 'Job not found', retryable: false },
  'operation-not-found': { status: 404, title: 'Operation not found', retryable: false },
  'method-not-allowed': { status: 405, title: 'Method not allowed', retryable: false },
  'not-acceptable': { status: 406, title: 'Not acceptable', retryable: false },
  'request-timeout': { status: 408, title: 'Request timeout', retryable: true },
  'name-taken': { status: 409, title: 'Name taken', retryable: false },
  'not-in-conflict': { status: 409, title: 'Not in conflict', retryable: false },
  'body-too-large': { status: 413, title: 'Body too large', retryable: false },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type', retryable: false },
  'invalid-input': { status: 422, title: 'Invalid input', retryable: false },
  'idempotency-key-reused': { status: 422, title: 'Idempotency key reused', retryable: false },
  'upstream-refused': { status: 422, title: 'Refused by NAVER Cloud', retryable: false },
  'quota-exceeded': { status: 429, title: 'Quota exceeded', retryable: true },
  'upstream-throttled': { status: 429, title: 'Throttled by NAVER Cloud', retryable: true },
  internal: { status: 500, title: 'Internal error', retryable: false },
  'upstream-credentials': { status: 502, title: 'Relay credentials refused', retryable: false },
  'upstream-permission': { status: 502, title: 'Relay lacks a permission', retryable: false },
  'upstream-error': { status: 502, title: 'NAVER Cloud failed', retryable: true },
  'upstream-malformed': { status: 502, title: 'NAVER Cloud unreadable', retryable: false },
  'upstream-unreachable': { status: 502, title: 'NAVER Cloud unreachable', retryable: true },
  'not-configured': { status: 503, title: 'Not configured', retryable: true },
  'store-unavailable': { status: 503, title: 'Store unavailable', retryable: true },
  'upstream-timeout': { status: 504, title: 'NAVER Cloud too slow', retryable: true },
} as const satisfies Record<string, { status: number; title: string; retryable: boolean }>

/** The closed list of problem codes. */
export type ProblemCode = keyof typeof PROBLEMS

/** All problem codes, in the order of their status. */
export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[]

/** An invalid field: its path (`storages.1.sizeGb`, empty for the whole input) and the broken rule. */
const FieldError = v.object({ path: v.string(), message: v.string() })

/** An invalid field: its path (`storages.1.sizeGb`, empty for the whole input) and the broken rule. */
export type FieldError = v.InferOutput<typeof FieldError>

/** The gateway's own description of a failure, as far as it sent one. */
const Upstream = v.object({
  action: v.string(),
  status: v.optional(v.number()),
  code: v.optional(v.string()),
  message: v.optional(v.string()),
  requestId: v.optional(v.string()),
})

/** The gateway's own description of a failure, as far as it sent one. */
export type Upstream = v.InferOutput<typeof Upstream>

/** The members of a problem that stay valid after the request. */
const lastingMembers = {
  code: v.picklist(PROBLEM_CODES),
  detail: v.string(),
  errors: v.optional(v.array(FieldError)),
  upstream: v.optional(Upstream),
}

/** A problem inside an operation: without `status` and `retryable`, which belong to an answer. */
export const LastingProblem = v.object(lastingMembers)

/** The members of a problem in an answer (RFC 9457, section 3), without `requestId`. */
export const ProblemMembers = v.object({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  retryable: v.boolean(),
  ...lastingMembers,
  operationId: v.optional(v.string()),
})

/** The effect that a failed write may have had: none, one that a look-up would find, or unknown. */
export type Effect = 'none' | 'look-up' | 'possible'

/** The cause of a 401, for the log only. */
export type AuthenticationFailure =
  | 'no-key'
  | 'two-keys'
  | 'unknown-key'
  | 'expired'
  | 'wrong-signature'
  | 'wrong-token'
  | 'stale-timestamp'

/** The image or operation that has a name. Both ids are missing for an operation that the caller may not read. */
const NameHolder = v.object({
  imageNo: v.optional(v.string()),
  operationId: v.optional(v.string()),
  status: v.picklist([...STATUSES, ...Phase.options]),
  /** RFC 3339; null if unknown. */
  since: v.nullable(v.string()),
})

/** The image or operation that has a name. Both ids are missing for an operation that the caller may not read. */
export type NameHolder = v.InferOutput<typeof NameHolder>

/** The facts of a problem, from which messages in any language are made. */
const ProblemFacts = v.object({
  nameHolder: v.optional(NameHolder),
  /** The caller's limit of operations in a UTC day. */
  dailyCreations: v.optional(v.number()),
  /** The storages that have no usable snapshot, each with the maximum age of a snapshot. */
  storagesWithoutSnapshot: v.optional(
    v.array(v.object({ storageNo: v.string(), maxAgeHours: v.number() })),
  ),
})

/** The facts of a problem, from which messages in any language are made. */
export type ProblemFacts = v.InferOutput<typeof ProblemFacts>

/** The data of a problem, except its code and detail. */
export interface ProblemExtras {
  errors?: FieldError[] | undefined
  upstream?: Upstream | undefined
  operationId?: string | undefined
  facts?: ProblemFacts | undefined
  retryAfterSeconds?: number | undefined
  effect?: Effect
  /** The earliest possible time on the gateway's clock when it answered: milliseconds since the epoch. */
  gatewayTime?: number
  /** The methods that a route allows. */
  allow?: string[]
  reason?: AuthenticationFailure
  /** The id of the API key that was refused. */
  keyId?: string | undefined
  cause?: unknown
}

/** The relay's only error type: a failure with a stable code and a public detail. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly extras: ProblemExtras

  constructor(code: ProblemCode, detail: string, extras: ProblemExtras = {}) {
    super(detail, { cause: extras.cause })
    this.code = code
    this.extras = extras
  }

  get status(): number {
    return PROBLEMS[this.code].status
  }

  get title(): string {
    return PROBLEMS[this.code].title
  }

  get retryable(): boolean {
    return PROBLEMS[this.code].retryable
  }
}

/** Returns the problem `invalid-input` with these errors. An empty path means the whole body. */
export function invalidInput(errors: FieldError[], facts?: ProblemFacts): Problem {
  const faults = errors.map(({ path, message }) => `${path || 'The body'} ${message}`)
  return new Problem('invalid-input', faults.join('; '), { errors, ...(facts && { facts }) })
}

/** True if an error is a problem with this code. */
export function isProblem(error: unknown, code: ProblemCode): error is Problem {
  return error instanceof Problem && error.code === code
}

/** Converts an error to a problem. Any other error is a defect of the relay: `internal`, with its message kept private. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  const detail = 'Internal error. Report it with this request id'
  return new Problem('internal', detail, { effect: 'possible', cause: error })
}

/** A problem as it is stored with an operation. */
export const StoredProblem = v.object({ ...lastingMembers, facts: v.optional(ProblemFacts) })

/** A problem as it is stored with an operation. */
export type StoredProblem = v.InferOutput<typeof StoredProblem>

/** Returns the parts of a problem that are stored with an operation. */
export function storedProblem({ code, message, extras }: Problem): StoredProblem {
  const { errors, upstream, facts } = extras
  return {
    code,
    detail: message,
    ...(errors && { errors }),
    ...(upstream && { upstream }),
    ...(facts && { facts }),
  }
}

/** Returns a stored problem as callers see it, without the facts: those are only for messages. */
export function withoutFacts({ facts: _, ...problem }: StoredProblem) {
  return problem
}

/** Returns all problems that an answer can have, in the order of their status. */
export function problemList() {
  return PROBLEM_CODES.map((code) => ({ type: problemType(code), code, ...PROBLEMS[code] }))
}

/** Returns the type of a problem (RFC 9457, section 3.1.1): a link into the list of problems. */
function problemType(code: ProblemCode): string {
  return `/problems#${code}`
}

/** Returns the members of a problem in an answer. */
export function problemMembers(problem: Problem): v.InferOutput<typeof ProblemMembers> {
  const { code, title, status, message, retryable, extras } = problem
  const { errors, upstream, operationId } = extras
  return {
    type: problemType(code),
    title,
    status,
    detail: message,
    code,
    retryable,
    ...(errors && { errors }),
    ...(upstream && { upstream }),
    ...(operationId && { operationId }),
  }
}

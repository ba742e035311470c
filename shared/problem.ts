import * as v from 'valibot'

/** Every failure a caller can meet; the code is the contract, its status and title never vary. */
const PROBLEMS = {
  'malformed-request': { status: 400, title: 'Malformed request', retryable: false },
  unauthenticated: { status: 401, title: 'Unauthenticated', retryable: false },
  forbidden: { status: 403, title: 'Forbidden', retryable: false },
  'not-found': { status: 404, title: 'Not found', retryable: false },
  'image-not-found': { status: 404, title: 'Image not found', retryable: false },
  'creation-not-found': { status: 404, title: 'Creation not found', retryable: false },
  'method-not-allowed': { status: 405, title: 'Method not allowed', retryable: false },
  'not-acceptable': { status: 406, title: 'Not acceptable', retryable: false },
  'name-taken': { status: 409, title: 'Name taken', retryable: false },
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
  'upstream-timeout': { status: 504, title: 'NAVER Cloud too slow', retryable: true },
} as const

/** The closed list of problem codes. */
export type ProblemCode = keyof typeof PROBLEMS

const problemCodes = Object.keys(PROBLEMS) as ProblemCode[]

/** A field at fault: its path (`storages.1.sizeGb`, empty for the whole) and the rule it breaks. */
const FieldError = v.object({ path: v.string(), message: v.string() })

/** A field at fault: its path (`storages.1.sizeGb`, empty for the whole) and the rule it breaks. */
export type FieldError = v.InferOutput<typeof FieldError>

/** What the gateway said, as far as it said anything. */
const Upstream = v.object({
  action: v.string(),
  status: v.optional(v.number()),
  code: v.optional(v.string()),
  message: v.optional(v.string()),
  requestId: v.optional(v.string()),
})

/** What the gateway said, as far as it said anything. */
export type Upstream = v.InferOutput<typeof Upstream>

/** The members of a problem (RFC 9457, section 3) without `requestId`, which belongs to an answer. */
export const ProblemMembers = v.object({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  detail: v.string(),
  code: v.picklist(problemCodes),
  retryable: v.boolean(),
  errors: v.optional(v.array(FieldError)),
  upstream: v.optional(Upstream),
  creationId: v.optional(v.string()),
})

/** Whether a write that failed so may have happened: never, only if a look-up finds it, or possibly. */
export type Effect = 'none' | 'look-up' | 'possible'

/** What a problem carries beside its code and detail. */
export interface ProblemExtras {
  errors?: FieldError[]
  upstream?: Upstream
  creationId?: string
  retryAfterSeconds?: number | undefined
  effect?: Effect
  /** The gateway's clock when it answered, at the least: milliseconds since the epoch. */
  gatewayTime?: number
  /** The methods that a route takes. */
  allow?: string[]
  cause?: unknown
}

/** The one error type: a failure with a stable code and a detail fit for strangers. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly extras: ProblemExtras

  constructor(code: ProblemCode, detail: string, extras: ProblemExtras = {}) {
    super(detail, { cause: extras.cause })
    this.code = code
    this.extras = extras
  }

  get status() {
    return PROBLEMS[this.code].status
  }

  get retryable(): boolean {
    return PROBLEMS[this.code].retryable
  }
}

/** The problem of input with these faults. */
export function invalidInput(errors: FieldError[]): Problem {
  const faults = errors.map(({ path, message }) => (path ? `${path} ${message}` : message))
  return new Problem('invalid-input', faults.join('; '), { errors })
}

/** Whether an error is the problem of that code. */
export function isProblem(error: unknown, code: ProblemCode): error is Problem {
  return error instanceof Problem && error.code === code
}

/** An error as the problem it is to strangers: itself, or a defect of ours that tells them nothing. */
export function problemOf(error: unknown): Problem {
  return error instanceof Problem
    ? error
    : new Problem('internal', 'The relay met a defect of its own', {
        effect: 'possible',
        cause: error,
      })
}

/** A problem as it is kept with a creation. */
export interface StoredProblem {
  code: ProblemCode
  detail: string
  errors?: FieldError[]
  upstream?: Upstream
}

/** What of a problem outlives its request. */
export function storedProblem({ code, message, extras }: Problem): StoredProblem {
  const { errors, upstream } = extras
  return { code, detail: message, ...(errors && { errors }), ...(upstream && { upstream }) }
}

/** What strangers are told of a problem. */
export function problemMembers(
  code: ProblemCode,
  detail: string,
  { errors, upstream, creationId }: ProblemExtras,
): v.InferOutput<typeof ProblemMembers> {
  return {
    type: `/problems/${code}`,
    ...PROBLEMS[code],
    detail,
    code,
    ...(errors && { errors }),
    ...(upstream && { upstream }),
    ...(creationId && { creationId }),
  }
}

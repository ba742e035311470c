import * as v from 'valibot'

interface Kind {
  status: number
  title?: string
  retryable?: boolean
}

/** Every failure a caller can meet; the code is the contract, its status and title never vary. A title is the code, unless said. */
const PROBLEMS = {
  'malformed-request': { status: 400 },
  unauthenticated: { status: 401 },
  forbidden: { status: 403 },
  'not-found': { status: 404 },
  'image-not-found': { status: 404 },
  'creation-not-found': { status: 404 },
  'method-not-allowed': { status: 405 },
  'not-acceptable': { status: 406 },
  'name-taken': { status: 409 },
  'body-too-large': { status: 413 },
  'unsupported-media-type': { status: 415 },
  'invalid-input': { status: 422 },
  'idempotency-key-reused': { status: 422 },
  'upstream-refused': { status: 422, title: 'Refused by NAVER Cloud' },
  'quota-exceeded': { status: 429, retryable: true },
  'upstream-throttled': { status: 429, title: 'Throttled by NAVER Cloud', retryable: true },
  internal: { status: 500, title: 'Internal error' },
  'upstream-credentials': { status: 502, title: 'Relay credentials refused' },
  'upstream-permission': { status: 502, title: 'Relay lacks a permission' },
  'upstream-error': { status: 502, title: 'NAVER Cloud failed', retryable: true },
  'upstream-malformed': { status: 502, title: 'NAVER Cloud unreadable' },
  'upstream-unreachable': { status: 502, title: 'NAVER Cloud unreachable', retryable: true },
  'not-configured': { status: 503, retryable: true },
  'upstream-timeout': { status: 504, title: 'NAVER Cloud too slow', retryable: true },
} as const satisfies Record<string, Kind>

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

  get status(): number {
    return kindOf(this.code).status
  }

  get retryable(): boolean {
    return kindOf(this.code).retryable
  }
}

function kindOf(code: ProblemCode) {
  const words = code.replaceAll('-', ' ')
  const plain = words.charAt(0).toUpperCase() + words.slice(1)
  const { status, title = plain, retryable = false }: Kind = PROBLEMS[code]
  return { status, title, retryable }
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
    ...kindOf(code),
    detail,
    code,
    ...(errors && { errors }),
    ...(upstream && { upstream }),
    ...(creationId && { creationId }),
  }
}

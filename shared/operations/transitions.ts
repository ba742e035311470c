import { isFinal } from '../image.ts'
import type { StoredProblem } from '../problem.ts'
import type { Clock } from '../web/clock.ts'
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../web/durations.ts'
import { hadResultAt, type Operation, type Reason, statusOf } from './operation.ts'
import type { Result } from './result.ts'
import { type State, TRANSITIONS } from './state.ts'

/** The author of a change, a caller's name or `tick`, and the clock that gives its time. */
export interface Author {
  clock: Clock
  actor: string
}

/** The fields that a new operation begins with. */
export type Claim = Pick<
  Operation,
  | 'operationId'
  | 'keyHash'
  | 'keyIsExplicit'
  | 'fingerprint'
  | 'caller'
  | 'regionCode'
  | 'kind'
  | 'name'
  | 'input'
  | 'holds'
  | 'run'
  | 'notify'
  | 'replyTo'
  | 'marker'
>

/** The lease: the time for which the claimer of an operation, or the sender of an attempt, has exclusive use of it. */
const LEASE_MS = 30 * SECOND_MS

const FIRST_GAP_MS = 5 * SECOND_MS
const MAX_GAP_MS = 5 * MINUTE_MS
const FOLLOW_LIMIT_MS = DAY_MS

/** Returns a new operation with nothing sent yet. The claimer has exclusive use of it for `leaseMs`. */
export function accept(claim: Claim, { clock, actor }: Author, leaseMs = LEASE_MS): Operation {
  const at = clock.now()
  return {
    ...claim,
    version: 1,
    state: 'accepted',
    existedBefore: [],
    attempt: 0,
    refusals: 0,
    signedAt: null,
    dueAt: at + leaseMs,
    result: null,
    resultReadAt: null,
    appliedAt: null,
    candidates: [],
    problem: null,
    createdAt: at,
    updatedAt: at,
    history: [{ at, actor, status: 'accepted' }],
  }
}

/** Starts the next attempt. The result must be stored before the request signed at `signedAt` is sent. */
export function startAttempt(operation: Operation, signedAt: number, by: Author): Operation {
  const attempt = operation.attempt + 1
  const dueAt = by.clock.now() + LEASE_MS
  return transition(operation, { to: 'sending' }, by, { attempt, signedAt, dueAt })
}

/** Records the result that the gateway returned or a look-up found. */
export function apply(
  operation: Operation,
  result: Result,
  by: Author,
  reason?: Reason,
): Operation {
  const now = by.clock.now()
  const dueAt = isFinal(result.phase) ? null : now + FIRST_GAP_MS
  const seen = { result, resultReadAt: now, appliedAt: now, candidates: [], problem: null, dueAt }
  return transition(operation, { to: 'applied', ...(reason && { reason }) }, by, seen)
}

/** Records a final refusal: nothing was done, and there is no retry. */
export function reject(operation: Operation, problem: StoredProblem, by: Author): Operation {
  const { code: reason } = problem
  return transition(operation, { to: 'rejected', reason }, by, { problem, dueAt: null })
}

/** Records that the outcome of an attempt is not known. */
export function markUnknown(operation: Operation, problem: StoredProblem, by: Author): Operation {
  return transition(operation, { to: 'unknown', reason: problem.code }, by, { problem })
}

/** Records that nothing was done yet, also by an attempt that was just made, and schedules a retry at `dueAt`. */
export function postpone(
  operation: Operation,
  problem: StoredProblem,
  dueAt: number,
  by: Author,
): Operation {
  if (operation.state === 'accepted') {
    return { ...postponeLook(operation, dueAt), problem, updatedAt: by.clock.now() }
  }
  const refusals = operation.refusals + 1
  const changes = { problem, dueAt, refusals }
  return transition(operation, { to: 'accepted', reason: problem.code }, by, changes)
}

/** Records that nothing was done after all, and that there is no retry. */
export function markNotApplied(operation: Operation, reason: Reason, by: Author): Operation {
  return transition(operation, { to: 'not_applied', reason }, by, { candidates: [], dueAt: null })
}

/** Records that a person must decide which of some things belongs to the operation, if any. */
export function markConflict(operation: Operation, candidates: string[], by: Author): Operation {
  const step = { to: 'conflict' as const, reason: 'ambiguous' as const }
  return transition(operation, step, by, { candidates, dueAt: null })
}

/** Replaces the input with one in which everything was found. */
export function completeInput(operation: Operation, input: unknown): Operation {
  return { ...operation, version: operation.version + 1, input }
}

/** Changes the time when the tick continues the operation. */
export function postponeLook(operation: Operation, dueAt: number | null): Operation {
  return { ...operation, version: operation.version + 1, dueAt }
}

/** Records the result that was just read, and schedules the next read. */
export function updateResult(
  operation: Operation,
  result: Result,
  { clock, actor }: Author,
): Operation {
  const now = clock.now()
  const dueAt = isFinal(result.phase) ? null : nextLook(operation, now)
  const next = { ...postponeLook(operation, dueAt), result, resultReadAt: now }
  const isSamePhase = result.phase === operation.result?.phase
  if (isSamePhase) return next
  const status = statusOf(next)
  const isSameStatus = status === statusOf(operation)
  const history = isSameStatus ? next.history : [...next.history, { at: now, actor, status }]
  return { ...next, updatedAt: now, history }
}

/** Returns the time of the next read of the result: at intervals that grow from 5 s to 5 min. Null after one day. */
export function nextLook(operation: Operation, now: number): number | null {
  const age = now - hadResultAt(operation)
  if (age >= FOLLOW_LIMIT_MS) return null
  return now + Math.min(MAX_GAP_MS, Math.max(FIRST_GAP_MS, Math.ceil(age / 2)))
}

function transition(
  operation: Operation,
  { to, reason }: { to: State; reason?: Reason },
  { clock, actor }: Author,
  changes: Partial<Operation>,
): Operation {
  const at = clock.now()
  const allowed: readonly State[] = TRANSITIONS[operation.state]
  if (!allowed.includes(to)) throw new Error('The transition is not allowed')
  const next = { ...operation, ...changes, state: to }
  const change = { at, actor, status: statusOf(next), ...(reason && { reason }) }
  return {
    ...next,
    version: operation.version + 1,
    updatedAt: at,
    history: [...operation.history, change],
  }
}

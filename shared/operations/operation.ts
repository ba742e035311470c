import * as v from 'valibot'
import { type Caller, isJobCallerName } from '../caller.ts'
import { ReplyTo } from '../chat/command.ts'
import { Image, isFinal, isLost } from '../image.ts'
import { Ending } from '../outbox/notice.ts'
import { PROBLEM_CODES, StoredProblem } from '../problem.ts'
import type { Clock } from '../web/clock.ts'
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../web/durations.ts'
import { STATUSES, type State, type Status, TRANSITIONS } from './state.ts'

/** A run of a job, and its scheduled minute in milliseconds since the epoch. */
const Run = v.object({ job: v.string(), minute: v.number() })

/** A run of a job, and its scheduled minute in milliseconds since the epoch. */
export type Run = v.InferOutput<typeof Run>

const Reason = v.union([
  v.picklist(PROBLEM_CODES),
  v.picklist([
    /** A look-up found its result. */
    'adopted',
    /** The last attempt had no effect, and can no longer have one. */
    'absent',
    /** Only a person can decide which result belongs to it. */
    'ambiguous',
    /** A person has decided the conflict. */
    'resolved',
  ]),
])

/** The reason of an unusual change. */
export type Reason = v.InferOutput<typeof Reason>

/** One change of status. */
const Change = v.object({
  at: v.number(),
  actor: v.string(),
  status: v.picklist(STATUSES),
  reason: v.optional(Reason),
})

/** One requested change of NAVER Cloud and its progress, as it is stored. Times are milliseconds since the epoch. */
export const Operation = v.object({
  operationId: v.string(),
  /** The name of its kind: see `KINDS`. */
  kind: v.string(),
  /** Counts the writes of this record; each write expects the previous version. */
  version: v.number(),
  state: v.picklist(Object.keys(TRANSITIONS) as State[]),
  /** SHA-256, lower-case hex, over relay, site, caller, kind, and the key with its origin. */
  keyHash: v.string(),
  /** True if the caller gave the key; otherwise region and name are the key. */
  keyIsExplicit: v.boolean(),
  /** SHA-256, lower-case hex, over the content of the request. */
  fingerprint: v.string(),
  caller: v.string(),
  regionCode: v.string(),
  /** The name of the thing that it makes. */
  name: v.string(),
  /** The requested content, in the shape of its kind. */
  input: v.unknown(),
  /** The names of everything that no other operation may hold while this one is live. */
  holds: v.array(v.string()),
  /** The run of a job that requested it. */
  run: v.optional(Run),
  /** The targets that are notified; not part of the content. */
  notify: v.array(v.string()),
  /** The place in a chat where it was requested and where its result is posted. */
  replyTo: v.optional(ReplyTo),
  /** The announced results, in order. Their notices may still be undelivered. */
  announced: v.optional(v.array(Ending)),
  /** The marker in the description of its result. */
  marker: v.string(),
  /** The numbers of failed things with its name that existed before the first attempt. */
  existedBefore: v.array(v.string()),
  attempt: v.number(),
  /** The timestamp in the signature of the last attempt. */
  signedAt: v.nullable(v.number()),
  /** The time when the tick continues it; null if nothing is left to do. */
  dueAt: v.nullable(v.number()),
  /** The thing that it made, as it was last read. */
  result: v.nullable(Image),
  resultReadAt: v.nullable(v.number()),
  /** The time when the relay learned the number of its result. */
  appliedAt: v.nullable(v.number()),
  /** The numbers of the things between which a person must decide. */
  candidates: v.array(v.string()),
  problem: v.nullable(StoredProblem),
  createdAt: v.number(),
  updatedAt: v.number(),
  /** The changes of status, oldest first. */
  history: v.array(Change),
})

/** One requested change of NAVER Cloud and its progress. Times are milliseconds since the epoch. */
export type Operation = v.InferOutput<typeof Operation>

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

/**
 * The time after which an attempt can have no effect any more: the gateway refuses timestamps older than 300 s, its clock
 * may differ by 30 s, and a new image may take 300 s to appear in lists.
 */
const HORIZON_MS = 630 * SECOND_MS
/** The horizon if answers have no `Date`, because the gateway's clock is then known less exactly. */
const UNDATED_HORIZON_MS = 900 * SECOND_MS

/** Returns a new operation with nothing sent yet. The claimer has exclusive use of it for `leaseMs`. */
export function accept(claim: Claim, { clock, actor }: Author, leaseMs = LEASE_MS): Operation {
  const at = clock.now()
  return {
    ...claim,
    version: 1,
    state: 'accepted',
    existedBefore: [],
    attempt: 0,
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
export function apply(operation: Operation, result: Image, by: Author, reason?: Reason): Operation {
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

/** Records that nothing was done yet, and schedules a retry at `dueAt`. */
export function postpone(
  operation: Operation,
  problem: StoredProblem,
  dueAt: number,
  by: Author,
): Operation {
  if (operation.state === 'accepted') {
    return { ...postponeLook(operation, dueAt), problem, updatedAt: by.clock.now() }
  }
  return transition(operation, { to: 'accepted', reason: problem.code }, by, { problem, dueAt })
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
  result: Image,
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

/** Returns the time when the operation got its result, by the relay's clock. */
export function hadResultAt({ appliedAt, createdAt }: Operation): number {
  return appliedAt ?? createdAt
}

/** True once the last attempt can have no effect any more. `gatewayTime` is the gateway's clock. */
export function isAttemptOver({ signedAt }: Operation, gatewayTime: number): boolean {
  return signedAt !== null && gatewayTime > signedAt + HORIZON_MS
}

/** True if the tick must continue the operation now. */
export function isDue({ dueAt }: Operation, now: number): boolean {
  return dueAt !== null && dueAt <= now
}

/** True if an operation holds what its kind lists in `holds`. */
export function isLive({ state, result }: Operation): boolean {
  if (state === 'applied') return !(result && isLost(result.phase))
  return state !== 'rejected' && state !== 'not_applied'
}

/** True if an operation holds its key. A key made of region and name is free when the name is free. */
function holdsKey(operation: Operation): boolean {
  return operation.keyIsExplicit || isLive(operation)
}

/** Returns what an operation holds now, its key first. No other operation can be claimed that holds any of it. */
export function holdsOf(operation: Operation): string[] {
  return [
    ...(holdsKey(operation) ? [`key ${operation.keyHash}`] : []),
    ...(isLive(operation) ? operation.holds : []),
  ]
}

/** True if the operation no longer changes by itself. */
export function isSettled({ state, result }: Operation): boolean {
  if (state === 'applied') return result !== null && isFinal(result.phase)
  return state === 'rejected' || state === 'not_applied' || state === 'conflict'
}

/** True if a caller may read an operation: its own, one of a job, or with `images:admin` any other. */
export function mayRead({ caller: owner }: Operation, { name, scopes }: Caller): boolean {
  return owner === name || isJobCallerName(owner) || scopes.includes('images:admin')
}

/** Returns the status of an operation. */
export function statusOf({ state, result }: Pick<Operation, 'state' | 'result'>): Status {
  if (state !== 'applied') return state
  return result && isFinal(result.phase) ? result.phase : 'pending'
}

/** True if an operation was followed for a day without an end; only a reader reads its result again. */
export function isStalled(operation: Operation): boolean {
  return operation.state === 'applied' && !isSettled(operation) && operation.dueAt === null
}

/**
 * Returns the time by which an unknown outcome is known, if the gateway answers look-ups: milliseconds since the epoch.
 * Returns `undefined` in any other state.
 */
export function knownBy({ state, signedAt }: Operation): number | undefined {
  return state === 'unknown' && signedAt !== null
    ? signedAt + UNDATED_HORIZON_MS + MINUTE_MS
    : undefined
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

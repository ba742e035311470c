import * as v from 'valibot'
import { type Caller, isJobCallerName } from '../caller.ts'
import { ReplyTo } from '../chat/command.ts'
import { isFinal, isLost } from '../image.ts'
import { Ending } from '../outbox/notice.ts'
import { PROBLEM_CODES, StoredProblem } from '../problem.ts'
import { MINUTE_MS, SECOND_MS } from '../web/durations.ts'
import { Result } from './result.ts'
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
  /** The targets that are notified. */
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
  /** The number of attempts that certainly had no effect. */
  refusals: v.number(),
  /** The timestamp in the signature of the last attempt. */
  signedAt: v.nullable(v.number()),
  /** The time when the tick continues it; null if nothing is left to do. */
  dueAt: v.nullable(v.number()),
  /** The thing that it made, as it was last read. */
  result: v.nullable(Result),
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

/**
 * The time after which an attempt can have no effect any more: the gateway refuses timestamps older than 300 s, its clock
 * may differ by 30 s, and a new image may take 300 s to appear in lists.
 */
const HORIZON_MS = 630 * SECOND_MS
/** The horizon if answers have no `Date`, because the gateway's clock is then known less exactly. */
const UNDATED_HORIZON_MS = 900 * SECOND_MS

/** Returns the time when the operation got its result, by the relay's clock. */
export function hadResultAt({ appliedAt, createdAt }: Operation): number {
  return appliedAt ?? createdAt
}

/** True once the last attempt can have no effect any more. `gatewayTime` is the gateway's clock. */
export function isAttemptOver({ signedAt }: Operation, gatewayTime: number): boolean {
  return signedAt !== null && gatewayTime > signedAt + HORIZON_MS
}

/** Returns the number of attempts that may have had an effect. */
export function openAttempts({ attempt, refusals }: Operation): number {
  return attempt - refusals
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

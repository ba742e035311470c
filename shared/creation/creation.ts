import { type Caller, isJobCallerName } from '../caller.ts'
import type { Clock } from '../clock.ts'
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../durations.ts'
import { type Image, isFinal, isLost } from '../image.ts'
import type {
  ImageContent,
  ImageStorage,
} from '../ncloud/actions/create-server-image-from-snapshot.ts'
import type { Ending } from '../notice.ts'
import type { ProblemCode, StoredProblem } from '../problem.ts'
import type { ReplyTo } from '../question.ts'
import { type State, type Status, TRANSITIONS } from './state.ts'

/** A run of a job, and its scheduled minute in milliseconds since the epoch. */
export interface Run {
  job: string
  minute: number
}

/** The requested content of an image. Its snapshots may still be unknown. */
export interface WantedContent extends ImageContent {
  storages: (ImageStorage & {
    /** The storage whose newest usable snapshot is used instead of `snapshotNo`. */
    latestSnapshotOf?: string | undefined
    maxAgeHours?: number | undefined
  })[]
}

/** A requested image and its progress. Times are milliseconds since the epoch. */
export interface Creation {
  creationId: string
  /** Counts the writes of this record; each write expects the previous version. */
  version: number
  state: State
  /** SHA-256, lower-case hex, over site, caller, action and key. */
  keyHash: string
  /** True if the caller gave the key; otherwise region and name are the key. */
  keyIsExplicit: boolean
  /** SHA-256, lower-case hex, over the content of the request. */
  fingerprint: string
  caller: string
  regionCode: string
  content: WantedContent
  /** The run of a job that requested it. */
  run?: Run | undefined
  /** The targets that are notified; not part of the content. */
  notify: string[]
  /** The place in a chat where it was requested and where its result is posted. */
  replyTo?: ReplyTo | undefined
  /** The announced results, in order. Their notices may still be undelivered. */
  told?: Ending[]
  /** The marker in the description of its image. */
  marker: string
  /** The numbers of failed images with its name that existed before the first attempt. */
  imagesBefore: string[]
  attempt: number
  /** The timestamp in the signature of the last attempt. */
  signedAt: number | null
  /** The time when the tick continues it; null if nothing is left to do. */
  dueAt: number | null
  image: Image | null
  imageReadAt: number | null
  problem: StoredProblem | null
  createdAt: number
  updatedAt: number
  history: Transition[]
}

/** The reason of an unusual transition. */
export type Reason =
  | ProblemCode
  /** A look-up found its image. */
  | 'adopted'
  /** The last attempt had no effect, and can no longer have one. */
  | 'absent'
  /** Only a person can decide which image belongs to it. */
  | 'ambiguous'
  /** A person has decided the conflict. */
  | 'resolved'

/** The author of a change, a caller's name or `tick`, and the clock that gives its time. */
export interface Author {
  clock: Clock
  actor: string
}

/** One change of state. */
export interface Transition {
  at: number
  actor: string
  to: State
  reason?: Reason
}

/** The fields that a new creation begins with. */
export type Claim = Pick<
  Creation,
  | 'creationId'
  | 'keyHash'
  | 'keyIsExplicit'
  | 'fingerprint'
  | 'caller'
  | 'regionCode'
  | 'content'
  | 'run'
  | 'notify'
  | 'replyTo'
  | 'marker'
>

/** The lease: the time for which the claimer of a creation, or the sender of an attempt, has exclusive use of it. */
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

/** Returns a new creation with nothing sent yet. The claimer has exclusive use of it for `leaseMs`. */
export function accepted(claim: Claim, { clock, actor }: Author, leaseMs = LEASE_MS): Creation {
  const at = clock.now()
  return {
    ...claim,
    version: 1,
    state: 'accepted',
    imagesBefore: [],
    attempt: 0,
    signedAt: null,
    dueAt: at + leaseMs,
    image: null,
    imageReadAt: null,
    problem: null,
    createdAt: at,
    updatedAt: at,
    history: [{ at, actor, to: 'accepted' }],
  }
}

/** Starts the next attempt. The result must be stored before the request signed at `signedAt` is sent. */
export function sending(creation: Creation, signedAt: number, by: Author): Creation {
  const attempt = creation.attempt + 1
  const dueAt = by.clock.now() + LEASE_MS
  return moved(creation, { to: 'sending' }, by, { attempt, signedAt, dueAt })
}

/** Records the image that the gateway returned or a look-up found. */
export function created(creation: Creation, image: Image, by: Author, reason?: Reason): Creation {
  const now = by.clock.now()
  const dueAt = isFinal(image.phase) ? null : now + FIRST_GAP_MS
  const seen = { image, imageReadAt: now, problem: null, dueAt }
  return moved(creation, { to: 'created', ...(reason && { reason }) }, by, seen)
}

/** Records a final refusal: no image was created, and there is no retry. */
export function rejected(creation: Creation, problem: StoredProblem, by: Author): Creation {
  const { code: reason } = problem
  return moved(creation, { to: 'rejected', reason }, by, { problem, dueAt: null })
}

/** Records that the outcome of an attempt is not known. */
export function unknown(creation: Creation, problem: StoredProblem, by: Author): Creation {
  return moved(creation, { to: 'unknown', reason: problem.code }, by, { problem })
}

/** Records that no image was created yet, and schedules a retry at `dueAt`. */
export function postponed(
  creation: Creation,
  problem: StoredProblem,
  dueAt: number,
  by: Author,
): Creation {
  if (creation.state === 'accepted') {
    return { ...waiting(creation, dueAt), problem, updatedAt: by.clock.now() }
  }
  return moved(creation, { to: 'accepted', reason: problem.code }, by, { problem, dueAt })
}

/** Records that no image was created after all, and that there is no retry. */
export function notCreated(creation: Creation, reason: Reason, by: Author): Creation {
  return moved(creation, { to: 'not_created', reason }, by, { dueAt: null })
}

/** Records that a person must decide which image belongs to the creation. */
export function inConflict(creation: Creation, by: Author): Creation {
  return moved(creation, { to: 'conflict', reason: 'ambiguous' }, by, { dueAt: null })
}

/** Replaces the content with one whose snapshots are known. */
export function withContent(creation: Creation, content: ImageContent): Creation {
  return { ...creation, version: creation.version + 1, content }
}

/** Changes the time when the tick continues the creation. */
export function waiting(creation: Creation, dueAt: number | null): Creation {
  return { ...creation, version: creation.version + 1, dueAt }
}

/** Records the image that was just read, and schedules the next read. */
export function withImage(creation: Creation, image: Image, now: number): Creation {
  const isNews = image.phase !== creation.image?.phase
  const dueAt = isFinal(image.phase) ? null : nextLook(creation, now)
  const updatedAt = isNews ? now : creation.updatedAt
  return { ...waiting(creation, dueAt), image, imageReadAt: now, updatedAt }
}

/** Returns the time of the next read of the image: at intervals that grow from 5 s to 5 min. Null after one day. */
export function nextLook(creation: Creation, now: number): number | null {
  const age = now - hadImageAt(creation)
  if (age >= FOLLOW_LIMIT_MS) return null
  return now + Math.min(MAX_GAP_MS, Math.max(FIRST_GAP_MS, Math.ceil(age / 2)))
}

/** Returns the time when the creation got its image, by the relay's clock. */
export function hadImageAt({ history, createdAt }: Creation): number {
  return history.findLast(({ to }) => to === 'created')?.at ?? createdAt
}

/** True once the last attempt can have no effect any more. `gatewayTime` is the gateway's clock. */
export function isAttemptOver({ signedAt }: Creation, gatewayTime: number): boolean {
  return signedAt !== null && gatewayTime > signedAt + HORIZON_MS
}

/** True if the tick must continue the creation now. */
export function isDue({ dueAt }: Creation, now: number): boolean {
  return dueAt !== null && dueAt <= now
}

/** True if a creation holds its name: no other creation in the region may have the same. */
export function isLive({ state, image }: Creation): boolean {
  if (state === 'created') return !(image && isLost(image.phase))
  return state !== 'rejected' && state !== 'not_created'
}

/** True if a creation holds its key. A key made of region and name is free when the name is free. */
export function holdsKey(creation: Creation): boolean {
  return creation.keyIsExplicit || isLive(creation)
}

/** True if the creation no longer changes by itself. */
export function isSettled({ state, image }: Creation): boolean {
  if (state === 'created') return image !== null && isFinal(image.phase)
  return state === 'rejected' || state === 'not_created' || state === 'conflict'
}

/** True if a caller may read a creation: its own, one of a job, or with `images:admin` any other. */
export function mayRead({ caller: owner }: Creation, { name, scopes }: Caller): boolean {
  return owner === name || isJobCallerName(owner) || scopes.includes('images:admin')
}

/** Returns the status of a creation in one word. */
export function statusOf({ state, image }: Pick<Creation, 'state' | 'image'>): Status {
  // A created creation always has an image.
  return image ? image.phase : (state as Status)
}

/**
 * Returns the time by which an unknown outcome is known, if the gateway answers look-ups: milliseconds since the epoch.
 * Returns `undefined` in any other state.
 */
export function knownBy({ state, signedAt }: Creation): number | undefined {
  return state === 'unknown' && signedAt !== null
    ? signedAt + UNDATED_HORIZON_MS + MINUTE_MS
    : undefined
}

function moved(
  creation: Creation,
  step: Pick<Transition, 'to' | 'reason'>,
  { clock, actor }: Author,
  changes: Partial<Creation>,
): Creation {
  const at = clock.now()
  const allowed: readonly State[] = TRANSITIONS[creation.state]
  if (!allowed.includes(step.to)) throw new Error('The transition is not allowed')
  return {
    ...creation,
    ...changes,
    state: step.to,
    version: creation.version + 1,
    updatedAt: at,
    history: [...creation.history, { at, actor, ...step }],
  }
}

import { type Image, isFinal, isLost } from '../image.ts'
import type { ImageContent } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import type { Ending } from '../notice.ts'
import type { ProblemCode, StoredProblem } from '../problem.ts'
import type { ReplyTo } from '../question.ts'

/** The states of a creation, and where each may lead. Terminal ones lead nowhere. */
const ARROWS = {
  accepted: ['sending', 'created', 'rejected'],
  sending: ['created', 'rejected', 'unknown', 'accepted'],
  unknown: ['created', 'sending', 'not_created', 'conflict'],
  conflict: ['created', 'not_created'],
  created: [],
  rejected: [],
  not_created: [],
} as const satisfies Record<string, readonly string[]>

/** Where a creation is. */
export type State = keyof typeof ARROWS

/** All states of a creation. */
export const STATES = Object.keys(ARROWS) as State[]

/** A run of a job: the minute that it is of, in milliseconds since the epoch. */
export interface Run {
  job: string
  minute: number
}

type ImageStorage = ImageContent['storages'][number]

/** What somebody wants an image to be made of; snapshots may still have to be found. */
export interface WantedContent extends ImageContent {
  storages: (ImageStorage & {
    /** In place of `snapshotNo`: the storage whose newest usable snapshot is meant. */
    latestSnapshotOf?: string | undefined
    maxAgeHours?: number | undefined
  })[]
}

/** An asked-for image and all that became of it. Times are milliseconds since the epoch. */
export interface Creation {
  creationId: string
  /** Counts the writes of this record; each write expects the one before. */
  version: number
  state: State
  /** SHA-256, lower-case hex, over site, caller, action and key. */
  keyHash: string
  /** Whether the key is the caller's own; else it stands for the name alone. */
  keyIsExplicit: boolean
  /** SHA-256, lower-case hex, over what the request means. */
  fingerprint: string
  caller: string
  regionCode: string
  content: WantedContent
  /** Of a job. */
  run?: Run | undefined
  /** Who is to be told; no part of the content. */
  notify: string[]
  /** Where in a chat it was asked for, and its end is told. */
  replyTo?: ReplyTo | undefined
  /** What they have been told, or are going to be. */
  told?: Ending[]
  /** The mark that its image bears in the description. */
  marker: string
  /** Numbers of images of its name, failed ones, that were there before the first attempt. */
  imagesBefore: string[]
  attempt: number
  /** The timestamp of the last attempt's signature. */
  signedAt: number | null
  /** When the tick is to look next; null when there is nothing left to do. */
  dueAt: number | null
  image: Image | null
  imageReadAt: number | null
  problem: StoredProblem | null
  createdAt: number
  updatedAt: number
  history: Transition[]
}

/** Why a creation went another way than on. */
export type Reason =
  | ProblemCode
  /** Its image was found by a look-up. */
  | 'adopted'
  /** Its last attempt can no longer come to anything. */
  | 'absent'
  /** Only a person can tell which image is its. */
  | 'ambiguous'
  /** A person has settled it. */
  | 'resolved'

/** Who moves a creation, a caller or the tick, and when. */
export interface Act {
  at: number
  actor: string
}

/** One step of a creation. */
export interface Transition extends Act {
  to: State
  reason?: Reason
}

/** What a new creation begins with. */
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

/** So long whoever claimed a creation, or signed an attempt, has it to itself. */
const GRACE_MS = 30_000

const FIRST_GAP_MS = 5_000
const LONGEST_GAP_MS = 300_000
const FOLLOWED_MS = 86_400_000

/**
 * The gateway takes no timestamp older than 300 s; 30 s are for its clock, and 300 s for an image that it has taken
 * to show up in lists.
 */
const HORIZON_MS = 630_000

/** A new creation: claimed, nothing sent. For so long whoever claimed it has it to itself. */
export function accepted(claim: Claim, act: Act, graceMs = GRACE_MS): Creation {
  return {
    ...claim,
    version: 1,
    state: 'accepted',
    imagesBefore: [],
    attempt: 0,
    signedAt: null,
    dueAt: act.at + graceMs,
    image: null,
    imageReadAt: null,
    problem: null,
    createdAt: act.at,
    updatedAt: act.at,
    history: [{ ...act, to: 'accepted' }],
  }
}

/** The next attempt: to be stored before the request that bears `signedAt` is sent. */
export function sending(creation: Creation, signedAt: number, act: Act): Creation {
  const attempt = creation.attempt + 1
  return moved(creation, { ...act, to: 'sending' }, { attempt, signedAt, dueAt: act.at + GRACE_MS })
}

/** The gateway has given an image number, or an image of ours was found. */
export function created(creation: Creation, image: Image, act: Act, reason?: Reason): Creation {
  const dueAt = isFinal(image.phase) ? null : act.at + FIRST_GAP_MS
  const seen = { image, imageReadAt: act.at, problem: null, dueAt }
  return moved(creation, { ...act, to: 'created', ...(reason && { reason }) }, seen)
}

/** It certainly did not happen, and will not. */
export function rejected(creation: Creation, problem: StoredProblem, act: Act): Creation {
  const { code: reason } = problem
  return moved(creation, { ...act, to: 'rejected', reason }, { problem, dueAt: null })
}

/** Nobody knows whether it happened. */
export function unknown(creation: Creation, problem: StoredProblem, act: Act): Creation {
  return moved(creation, { ...act, to: 'unknown', reason: problem.code }, { problem })
}

/** It certainly did not happen, and will be tried again. */
export function postponed(
  creation: Creation,
  problem: StoredProblem,
  dueAt: number,
  act: Act,
): Creation {
  if (creation.state === 'accepted') {
    return { ...waiting(creation, dueAt), problem, updatedAt: act.at }
  }
  return moved(creation, { ...act, to: 'accepted', reason: problem.code }, { problem, dueAt })
}

/** It is proved that it did not happen, and it is tried no more. */
export function notCreated(creation: Creation, reason: Reason, act: Act): Creation {
  return moved(creation, { ...act, to: 'not_created', reason }, { dueAt: null })
}

/** Only a person can say which image is its. */
export function inConflict(creation: Creation, act: Act): Creation {
  return moved(creation, { ...act, to: 'conflict', reason: 'ambiguous' }, { dueAt: null })
}

/** The same, made of snapshots that were found. */
export function withContent(creation: Creation, content: ImageContent): Creation {
  return { ...creation, version: creation.version + 1, content }
}

/** The same, to be looked at later. */
export function waiting(creation: Creation, dueAt: number | null): Creation {
  return { ...creation, version: creation.version + 1, dueAt }
}

/** Its image as it was just read. */
export function withImage(creation: Creation, image: Image, now: number): Creation {
  const isNews = image.phase !== creation.image?.phase
  const dueAt = isFinal(image.phase) ? null : nextLook(creation, now)
  const updatedAt = isNews ? now : creation.updatedAt
  return { ...waiting(creation, dueAt), image, imageReadAt: now, updatedAt }
}

/** When to look at its image again: at gaps that grow from 5 s to 5 min, for a day. */
export function nextLook(creation: Creation, now: number): number | null {
  const age = now - hadImageAt(creation)
  if (age >= FOLLOWED_MS) return null
  return now + Math.min(LONGEST_GAP_MS, Math.max(FIRST_GAP_MS, Math.ceil(age / 2)))
}

/** When it came to its image, by the clock of whoever moved it. */
export function hadImageAt({ history, createdAt }: Creation): number {
  return history.findLast(({ to }) => to === 'created')?.at ?? createdAt
}

/** Whether its last attempt can come to nothing any more, when the gateway's clock is at `gatewayTime`. */
export function isOver({ signedAt }: Creation, gatewayTime: number): boolean {
  return signedAt !== null && gatewayTime > signedAt + HORIZON_MS
}

/** Whether it is time for the tick to look. */
export function isDue({ dueAt }: Creation, now: number): boolean {
  return dueAt !== null && dueAt <= now
}

/** Whether it holds its name: no other creation in the region may have the same. */
export function isLive({ state, image }: Creation): boolean {
  if (state === 'created') return !(image && isLost(image.phase))
  return state !== 'rejected' && state !== 'not_created'
}

/** Whether it holds its key. A key that stands for a name is free when the name is. */
export function holdsKey(creation: Creation): boolean {
  return creation.keyIsExplicit || isLive(creation)
}

/** Whether nothing will change any more by itself. */
export function isSettled({ state, image }: Creation): boolean {
  if (state === 'created') return image !== null && isFinal(image.phase)
  return state === 'rejected' || state === 'not_created' || state === 'conflict'
}

function moved(creation: Creation, step: Transition, changes: Partial<Creation>): Creation {
  const arrows: readonly State[] = ARROWS[creation.state]
  if (!arrows.includes(step.to)) throw new Error('A creation went against its arrows')
  return {
    ...creation,
    ...changes,
    state: step.to,
    version: creation.version + 1,
    updatedAt: step.at,
    history: [...creation.history, step],
  }
}

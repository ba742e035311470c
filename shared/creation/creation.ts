import { type Image, isFinal, isLost } from '../image.ts'
import type { ImageContent } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import type { ProblemCode, StoredProblem } from '../problem.ts'

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
  content: ImageContent
  /** Who is to be told; no part of the content. */
  notify: string[]
  /** The mark that its image bears in the description. */
  marker: string
  attempt: number
  /** The timestamp of the last attempt's signature. */
  signedAt: number | null
  /** Before then nobody need look again. */
  dueAt: number
  image: Image | null
  imageReadAt: number | null
  problem: StoredProblem | null
  createdAt: number
  updatedAt: number
  history: Transition[]
}

/** One step of a creation; `code` says what made it go another way than on. */
export interface Transition {
  at: number
  to: State
  code?: ProblemCode | 'adopted'
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
  | 'notify'
  | 'marker'
>

/** So long whoever claimed a creation has it to itself. */
const CLAIMANT_MS = 30_000

/** A new creation: claimed, nothing sent. */
export function accepted(claim: Claim, now: number): Creation {
  return {
    ...claim,
    version: 1,
    state: 'accepted',
    attempt: 0,
    signedAt: null,
    dueAt: now + CLAIMANT_MS,
    image: null,
    imageReadAt: null,
    problem: null,
    createdAt: now,
    updatedAt: now,
    history: [{ at: now, to: 'accepted' }],
  }
}

/** The next attempt: to be stored before the request that bears `signedAt` is sent. */
export function sending(creation: Creation, signedAt: number, now: number): Creation {
  const attempt = creation.attempt + 1
  return moved(creation, { to: 'sending', at: now }, { attempt, signedAt })
}

/** The gateway has given an image number, or an image of ours was found. */
export function created(creation: Creation, image: Image, now: number, code?: 'adopted'): Creation {
  const seen = { image, imageReadAt: now, problem: null }
  return moved(creation, { to: 'created', at: now, ...(code && { code }) }, seen)
}

/** It certainly did not happen, and will not. */
export function rejected(creation: Creation, problem: StoredProblem, now: number): Creation {
  return moved(creation, { to: 'rejected', at: now, code: problem.code }, { problem })
}

/** Nobody knows whether it happened. */
export function unknown(
  creation: Creation,
  problem: StoredProblem,
  dueAt: number,
  now: number,
): Creation {
  return moved(creation, { to: 'unknown', at: now, code: problem.code }, { problem, dueAt })
}

/** It certainly did not happen, and will be tried again. */
export function postponed(
  creation: Creation,
  problem: StoredProblem,
  dueAt: number,
  now: number,
): Creation {
  if (creation.state !== 'accepted') {
    return moved(creation, { to: 'accepted', at: now, code: problem.code }, { problem, dueAt })
  }
  return { ...creation, version: creation.version + 1, problem, dueAt, updatedAt: now }
}

/** Its image as it was just read. */
export function seen(creation: Creation, image: Image, now: number): Creation {
  const changed = image.phase !== creation.image?.phase
  const updatedAt = changed ? now : creation.updatedAt
  return { ...creation, version: creation.version + 1, image, imageReadAt: now, updatedAt }
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

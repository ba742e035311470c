import type { FinalPhase } from './image.ts'
import type { StoredProblem } from './problem.ts'
import { laneOf, type Question, type ReplyTo } from './question.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/**
 * What lies between the tries of a notice: those of Standard Webhooks, but for the first, which outlasts a try.
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
const GAPS_MS = [
  30 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
]

/** How a creation can end, as people are told of it. */
export type Ending = FinalPhase | 'timed_out' | 'rejected' | 'not_created' | 'conflict'

/** The end of a creation. Times are milliseconds since the epoch. */
export interface CreationEnded {
  what: Ending
  at: number
  creationId: string
  job?: string | undefined
  name: string
  regionCode: string
  imageNo?: string | undefined
  sizeGb?: number | null | undefined
  /** From the claim until then. */
  seconds: number
  problem?: StoredProblem | null
}

/** No image of a job has become ready for longer than was expected. */
export interface JobSilent {
  what: 'silent'
  at: number
  job: string
  expectEveryHours: number
  /** When its last image became ready, as far as that is known: RFC 3339, by the clocks of the job's zone. */
  lastReadyAt: string | null
}

/** What somebody is to be told. */
export type Event = CreationEnded | JobSilent

/** Somebody in a chat asked something. */
interface Asked {
  what: 'asked'
  at: number
  question: Question
}

/** An entry of the outbox: one event for one target. Times are milliseconds since the epoch. */
export interface Notice {
  /** The same on every try, and at every target. */
  id: string
  target: string
  /** Counts the writes of this entry; each write expects the one before. */
  version: number
  event: Event | Asked
  /** Where in a chat, if the target is one; and who else is told of it. */
  to?: ReplyTo | undefined
  besides?: string[]
  /** What the target must have been told before. */
  after?: string | undefined
  /** How often it was tried. */
  tries: number
  /** When it is to be tried; null once it need not be any more. */
  dueAt: number | null
}

/** One notice for each target. */
export function noticesOf(
  targets: string[],
  id: string,
  event: Event,
  after?: string | undefined,
): Notice[] {
  return [...new Set(targets)].map((target) => ({
    id,
    target,
    version: 1,
    event,
    after,
    tries: 0,
    dueAt: event.at,
  }))
}

/** A notice that is about to be tried: booked for its next try, should nobody say how this one ended. */
export function tried(notice: Notice, now: number): Notice {
  const gap = GAPS_MS[notice.tries]
  return changed(notice, {
    tries: notice.tries + 1,
    dueAt: gap === undefined ? null : now + gap,
  })
}

/** A notice that is not to be tried before a time, if ever again. */
export function postponed(notice: Notice, until: number): Notice {
  return changed(notice, { dueAt: notice.dueAt && Math.max(notice.dueAt, until) })
}

/** A notice that is delivered, or refused for good. */
export function done(notice: Notice): Notice {
  return changed(notice, { dueAt: null })
}

/** A question that is being answered; again from `dueAt` on, should nobody say how that ended. */
export function asked(question: Question, dueAt: number): Notice {
  const { id, at, replyTo } = question
  const event = { what: 'asked' as const, at, question }
  return { id, target: laneOf(replyTo.chat), version: 1, event, tries: 1, dueAt }
}

function changed(notice: Notice, changes: Partial<Notice>): Notice {
  return { ...notice, ...changes, version: notice.version + 1 }
}

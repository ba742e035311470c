import { HOUR_MS, MINUTE_MS, SECOND_MS } from './durations.ts'
import type { FinalPhase } from './image.ts'
import type { StoredProblem } from './problem.ts'
import { laneOf, type Question, type ReplyTo } from './question.ts'

/**
 * The gaps between the tries of a notice: those of Standard Webhooks, except the first, which is longer than one try.
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

/** The end of a creation, as it is announced to people. */
export type Ending = FinalPhase | 'timed_out' | 'rejected' | 'not_created' | 'conflict'

/** The event that a creation has ended. Times are milliseconds since the epoch. */
export interface CreationEnded {
  what: Ending
  at: number
  creationId: string
  job?: string | undefined
  name: string
  regionCode: string
  imageNo?: string | undefined
  sizeGb?: number | null | undefined
  /** From the claim to the end. */
  seconds: number
  problem?: StoredProblem | null
}

/** The event that no image of a job became ready for longer than expected. */
export interface JobOverdue {
  what: 'overdue'
  at: number
  job: string
  expectEveryHours: number
  /** When its last image became ready, if known: RFC 3339, by the clocks of the job's zone. */
  lastReadyAt: string | null
}

/** An event that targets are notified of. */
export type Event = CreationEnded | JobOverdue

/** The event that somebody in a chat asked something. */
interface Asked {
  what: 'asked'
  at: number
  question: Question
}

/** An entry of the outbox: one event for one target. Times are milliseconds since the epoch. */
export interface Notice {
  /** The same on every try and for every target. */
  id: string
  target: string
  /** Counts the writes of this entry; each write expects the one before. */
  version: number
  event: Event | Asked
  /** The place in a chat, if the target is one, and the other targets that get the same event. */
  to?: ReplyTo | undefined
  besides?: string[]
  /** The id of the notice that must be delivered first. */
  after?: string | undefined
  /** The number of tries so far. */
  tries: number
  /** The time of the next try; null once none is needed. */
  dueAt: number | null
}

/** Returns one notice for each target. */
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

/** Counts a try and books the next one, in case the process stops before this one has a result. */
export function tried(notice: Notice, now: number): Notice {
  const gap = GAPS_MS[notice.tries]
  return changed(notice, {
    tries: notice.tries + 1,
    dueAt: gap === undefined ? null : now + gap,
  })
}

/** Moves the next try to a later time; a notice without a next try stays without one. */
export function rescheduleNotice(notice: Notice, until: number): Notice {
  return changed(notice, { dueAt: notice.dueAt && Math.max(notice.dueAt, until) })
}

/** Ends a notice that is delivered, or refused for good. */
export function done(notice: Notice): Notice {
  return changed(notice, { dueAt: null })
}

/** Returns the notice of a question that is being answered; the tick tries again from `dueAt` on. */
export function asked(question: Question, dueAt: number): Notice {
  const { id, at, replyTo } = question
  const event = { what: 'asked' as const, at, question }
  return { id, target: laneOf(replyTo.chat), version: 1, event, tries: 1, dueAt }
}

function changed(notice: Notice, changes: Partial<Notice>): Notice {
  return { ...notice, ...changes, version: notice.version + 1 }
}

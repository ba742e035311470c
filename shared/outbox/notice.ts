import { channelTarget, type Question, type ReplyTo } from '../chat/question.ts'
import type { FinalPhase } from '../image.ts'
import type { StoredProblem } from '../problem.ts'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../web/durations.ts'

/**
 * The delays between the attempts to deliver a notice, as in Standard Webhooks. The first delay differs: it is longer than
 * the time limit of one attempt (10 s). Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
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

/** The result of an operation, as it is announced to people. */
export type Ending = FinalPhase | 'stalled' | 'rejected' | 'not_applied' | 'conflict'

/** The event that an operation has ended. Times are milliseconds since the epoch. */
export interface OperationEnded {
  what: Ending
  at: number
  operationId: string
  job?: string | undefined
  name: string
  regionCode: string
  imageNo?: string | undefined
  sizeGb?: number | null | undefined
  /** The time from the claim to the result, at least 1. */
  seconds: number
  problem?: StoredProblem | null
}

/** The event that a job has had no ready image for longer than expected. */
export interface JobOverdue {
  what: 'overdue'
  at: number
  job: string
  expectEveryHours: number
  /** The local time in the job's zone at which its last image became ready: RFC 3339; null if unknown. */
  lastReadyAt: string | null
}

/** An event that targets are notified of. */
export type Event = OperationEnded | JobOverdue

/** The event that a person sent a message to the relay in a chat. */
interface Asked {
  what: 'asked'
  at: number
  question: Question
}

/** An entry of the outbox: one event for one target. Times are milliseconds since the epoch. */
export interface Notice {
  /** The id, which is the same for every attempt and every target. */
  id: string
  target: string
  /** Counts the writes of this entry; each write expects the previous version. */
  version: number
  event: Event | Asked
  /** The place in a chat, if the target is a chat. */
  to?: ReplyTo | undefined
  /** The other targets that get the same event. */
  besides?: string[]
  /** The id of the notice that must be delivered first. */
  after?: string | undefined
  /** The number of attempts so far. */
  tries: number
  /** The time of the next attempt; null if there is none. */
  dueAt: number | null
}

/** Creates one notice of an event for each target. `after` is the id of the notice that must be delivered first. */
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

/** Counts an attempt and schedules the next one, in case the process stops before this one has a result. */
export function tried(notice: Notice, now: number): Notice {
  const gap = GAPS_MS[notice.tries]
  return changed(notice, {
    tries: notice.tries + 1,
    dueAt: gap === undefined ? null : now + gap,
  })
}

/** Postpones the next attempt, if there is one, until at least a time in milliseconds since the epoch. */
export function rescheduleNotice(notice: Notice, until: number): Notice {
  return changed(notice, { dueAt: notice.dueAt && Math.max(notice.dueAt, until) })
}

/** Marks a notice as finished: it was delivered, or finally refused. */
export function done(notice: Notice): Notice {
  return changed(notice, { dueAt: null })
}

/** Creates the notice of a chat message that is being answered now. The tick retries it from `dueAt` on. */
export function asked(question: Question, dueAt: number): Notice {
  const { id, at, replyTo } = question
  const event = { what: 'asked' as const, at, question }
  return { id, target: channelTarget(replyTo.chat), version: 1, event, tries: 1, dueAt }
}

function changed(notice: Notice, changes: Partial<Notice>): Notice {
  return { ...notice, ...changes, version: notice.version + 1 }
}

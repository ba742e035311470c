import * as v from 'valibot'
import { ChatCommand, channelTarget, ReplyTo } from '../chat/command.ts'
import { FINAL_PHASES } from '../image.ts'
import { StoredProblem } from '../problem.ts'
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

/**
 * The result of an operation, as it is announced to people. `unknown` is an outcome that was not known for an hour; it is
 * announced once, and the result may still follow.
 */
export const Ending = v.picklist([
  ...FINAL_PHASES,
  'unknown',
  'stalled',
  'rejected',
  'not_applied',
  'conflict',
])

/** The result of an operation, as it is announced to people. */
export type Ending = v.InferOutput<typeof Ending>

/** The event that an operation has ended, or that its outcome stays unknown. Times are milliseconds since the epoch. */
const OperationEnded = v.object({
  what: Ending,
  at: v.number(),
  operationId: v.string(),
  job: v.optional(v.string()),
  name: v.string(),
  regionCode: v.string(),
  imageNo: v.optional(v.string()),
  sizeGb: v.nullish(v.number()),
  /** The time from the claim to the result, at least 1. */
  seconds: v.number(),
  problem: v.nullish(StoredProblem),
})

/** The event that an operation has ended, or that its outcome stays unknown. */
export type OperationEnded = v.InferOutput<typeof OperationEnded>

/** The event that a job has had no ready image for longer than expected. */
const JobOverdue = v.object({
  what: v.literal('overdue'),
  at: v.number(),
  job: v.string(),
  expectEveryHours: v.number(),
  /** The local time in the job's zone at which its last image became ready: RFC 3339; null if unknown. */
  lastReadyAt: v.nullable(v.string()),
})

/** The event that a job has had no ready image for longer than expected. */
export type JobOverdue = v.InferOutput<typeof JobOverdue>

/** An event that targets are notified of. */
export type Event = OperationEnded | JobOverdue

/** The event that a person sent a message to the relay in a chat. */
const CommandReceived = v.object({
  what: v.literal('command'),
  at: v.number(),
  command: ChatCommand,
})

/** An entry of the outbox: one event for one target. Times are milliseconds since the epoch. */
export const Notice = v.object({
  /** The id, which is the same for every attempt and every target. */
  id: v.string(),
  target: v.string(),
  /** Counts the writes of this entry; each write expects the previous version. */
  version: v.number(),
  event: v.variant('what', [OperationEnded, JobOverdue, CommandReceived]),
  /** The place in a chat, if the target is a chat. */
  to: v.optional(ReplyTo),
  /** The other targets that get the same event. */
  besides: v.optional(v.array(v.string())),
  /** The id of the notice that must be delivered first. */
  after: v.optional(v.string()),
  /** The number of attempts so far. */
  tries: v.number(),
  /** The time of the next attempt; null if there is none. */
  dueAt: v.nullable(v.number()),
})

/** An entry of the outbox: one event for one target. */
export type Notice = v.InferOutput<typeof Notice>

/** Returns the id of a notice in the store: notices of one event have the same own id and different targets. */
export function noticeId(target: string, id: string): string {
  return `${target} ${id}`
}

/** Returns a notice as a record of the store. */
export function noticeRecord(record: Notice) {
  return { type: 'notice' as const, record }
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
export function pendingCommand(command: ChatCommand, dueAt: number): Notice {
  const { id, at, replyTo } = command
  const event = { what: 'command' as const, at, command }
  return { id, target: channelTarget(replyTo.chat), version: 1, event, tries: 1, dueAt }
}

function changed(notice: Notice, changes: Partial<Notice>): Notice {
  return { ...notice, ...changes, version: notice.version + 1 }
}

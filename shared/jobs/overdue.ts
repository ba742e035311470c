import type { Context } from '../context.ts'
import { statusOf } from '../operations/operation.ts'
import { type Notice, noticesOf } from '../outbox/notice.ts'
import { DAY_MS, HOUR_MS } from '../web/durations.ts'
import type { Job } from './job.ts'
import type { JobSeen } from './record.ts'

const PAGE_SIZE = 100
/** The maximum of notices in one write: a DynamoDB transaction takes 100 items. Other jobs follow in the next tick. */
const MAX_NOTICES = 80

/** A job and its record. */
interface JobState {
  job: Job
  seen: JobSeen
}

/**
 * Finds jobs that have had no ready image for longer than `expectEveryHours`. Returns the records of all jobs, and notices
 * for each job that became overdue or has been overdue for another day.
 */
export async function findOverdueJobs(given: JobState[], now: number, context: Context) {
  const notices: Notice[] = []
  const states: JobState[] = []
  for (const { job, seen } of given) {
    const { name, expectEveryHours = Number.POSITIVE_INFINITY, notify, schedule } = job
    const expectedMs = expectEveryHours * HOUR_MS
    const isOverdue = (readyAt: number | null) => now >= (readyAt ?? seen.seenAt) + expectedMs
    const hasRoom = notices.length + notify.length <= MAX_NOTICES
    if (!isOverdue(seen.readyAt) || !hasRoom) {
      states.push({ job, seen })
      continue
    }
    const readyAt = (await lastReadyAt(name, now - expectedMs, context)) ?? seen.readyAt
    const isStillOverdue = isOverdue(readyAt)
    const isReported = now < (seen.overdueAt ?? Number.NEGATIVE_INFINITY) + DAY_MS
    const overdueAt = isReported ? seen.overdueAt : now
    states.push({ job, seen: { ...seen, readyAt, overdueAt: isStillOverdue ? overdueAt : null } })
    if (!isStillOverdue || isReported) continue
    const lastReady = readyAt === null ? null : schedule.local(readyAt)
    const event = {
      what: 'overdue' as const,
      at: now,
      job: name,
      expectEveryHours,
      lastReadyAt: lastReady,
    }
    notices.push(...noticesOf(notify, `overdue_${name}_${now}`, event))
  }
  return { states, notices }
}

/** Returns the time when the last image of a job became ready. Searches operations back to one day before `since`. */
async function lastReadyAt(job: string, since: number, { store }: Context) {
  let last: number | undefined
  for (let after: { createdAt: number; operationId: string } | undefined; ; ) {
    const page = await store.list({ of: { job }, limit: PAGE_SIZE, after })
    for (const operation of page) {
      if (statusOf(operation) === 'ready') last = Math.max(last ?? 0, operation.updatedAt)
    }
    after = page.at(-1)
    // An image is followed for a day, so the image of an older operation can have become ready after `since`.
    if (page.length < PAGE_SIZE || !after || after.createdAt < since - DAY_MS) break
  }
  return last
}

import type { Job } from '../jobs.ts'
import { type Notice, noticesOf } from '../notice.ts'
import type { JobSeen } from './jobs-record.ts'
import type { Ports } from './ports.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const PAGE_SIZE = 100
/** So many are stored at once; DynamoDB takes a hundred items. Other jobs have their turn at the next tick. */
const MOST_NOTICES = 80

/** A job, and what was seen of it. */
interface JobState {
  job: Job
  seen: JobSeen
}

/**
 * What was seen of jobs after a look at their images, and what is to be told of those that have had no ready one for longer
 * than they expect: once, and again each day until they have.
 */
export async function silences(given: JobState[], ports: Ports, now: number) {
  const notices: Notice[] = []
  const states: JobState[] = []
  for (const { job, seen } of given) {
    const { name, expectEveryHours = Number.POSITIVE_INFINITY, notify, schedule } = job
    const expectedMs = expectEveryHours * HOUR_MS
    const isOverdue = (readyAt: number | null) => now >= (readyAt ?? seen.seenAt) + expectedMs
    const hasRoom = notices.length + notify.length <= MOST_NOTICES
    if (!isOverdue(seen.readyAt) || !hasRoom) {
      states.push({ job, seen })
      continue
    }
    const readyAt = (await lastReady(name, now - expectedMs, ports)) ?? seen.readyAt
    const isSilent = isOverdue(readyAt)
    const isTold = now < (seen.silentAt ?? Number.NEGATIVE_INFINITY) + DAY_MS
    const silentAt = isTold ? seen.silentAt : now
    states.push({ job, seen: { ...seen, readyAt, silentAt: isSilent ? silentAt : null } })
    if (!isSilent || isTold) continue
    const lastReadyAt = readyAt === null ? null : schedule.local(readyAt)
    const event = { what: 'silent' as const, at: now, job: name, expectEveryHours, lastReadyAt }
    notices.push(...noticesOf(notify, `silent_${name}_${now}`, event))
  }
  return { states, notices }
}

/** When an image of a job became ready last, as far as that was since a time, or not much before. */
async function lastReady(job: string, since: number, { store }: Ports) {
  let last: number | undefined
  for (let after: { createdAt: number; creationId: string } | undefined; ; ) {
    const page = await store.list({ state: 'created', limit: PAGE_SIZE, after })
    for (const { run, image, updatedAt } of page) {
      if (run?.job === job && image?.phase === 'ready') last = Math.max(last ?? 0, updatedAt)
    }
    after = page.at(-1)
    // An image is followed for a day.
    if (page.length < PAGE_SIZE || !after || after.createdAt < since - DAY_MS) break
  }
  return last
}

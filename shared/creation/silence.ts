import type { Job } from '../jobs.ts'
import { type Notice, noticesOf } from '../notice.ts'
import type { JobsRecord } from './jobs-record.ts'
import type { Ports } from './ports.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const PAGE_SIZE = 100

/**
 * The record with what is to be told of jobs that have had no ready image for longer than they expect: once, and again
 * each day until they have.
 */
export async function silences(record: JobsRecord, jobs: Job[], ports: Ports, now: number) {
  const notices: Notice[] = []
  const changed = { ...record.jobs }
  for (const { name: job, expectEveryHours, notify } of jobs) {
    const seen = record.jobs[job]
    if (!seen || expectEveryHours === undefined) continue
    const expectedMs = expectEveryHours * HOUR_MS
    const lookAt =
      seen.silentAt === null ? (seen.readyAt ?? seen.seenAt) + expectedMs : seen.silentAt + DAY_MS
    if (now < lookAt) continue
    const readyAt = (await lastReady(job, now - expectedMs, ports)) ?? seen.readyAt
    const isSilent = readyAt === null || now >= readyAt + expectedMs
    changed[job] = { ...seen, readyAt, silentAt: isSilent ? now : null }
    if (!isSilent) continue
    const event = { what: 'silent' as const, at: now, job, expectEveryHours, readyAt }
    notices.push(...noticesOf(notify, `silent_${job}_${now}`, event))
  }
  return { record: { ...record, jobs: changed }, notices }
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

import { contentAt, type Job } from '../jobs.ts'
import { logDefect } from '../log.ts'
import { isProblem } from '../problem.ts'
import { rfc3339 } from '../rfc3339.ts'
import type { Work } from '../work.ts'
import { claimed, claimOf, type Wish } from './create.ts'
import { accepted, type Creation, isDue, rejected, withNotices } from './creation.ts'
import type { JobSeen, JobsRecord } from './jobs-record.ts'
import { actOf, type Ports } from './ports.ts'
import { NAME_TAKEN } from './reconcile.ts'
import { logTransition } from './record.ts'
import { silences } from './silence.ts'

const MINUTE_MS = 60_000
/** How far back a tick looks for runs: at least, and where ticks were missing at most. */
const LEAST_LOOK_MS = 15 * MINUTE_MS
const MOST_LOOK_MS = 360 * MINUTE_MS

/** What jobs are run with. */
export interface Schedules {
  jobs: Job[]
  /** Of images whose job names none. */
  regionCode: string
}

/** The wish that a run of a job is; a time within a minute means that minute. */
export function wishOf(job: Job, at: number, regionCode: string): Omit<Wish, 'caller' | 'key'> {
  const minute = at - (at % MINUTE_MS)
  return {
    regionCode: job.image.regionCode ?? regionCode,
    content: contentAt(job, minute),
    notify: job.notify,
    run: { job: job.name, minute, template: job.image.name },
  }
}

/** The caller that scheduled runs of a job are kept under. */
export function callerOf({ name }: Job): string {
  return `job:${name}`
}

/**
 * What a tick does for jobs: claims the runs that are due, and finds which jobs have been silent for too long. Gives the
 * creations that are to be moved on now.
 */
export async function startRuns(
  { jobs, regionCode }: Schedules,
  ports: Ports,
  work: Work,
): Promise<Creation[]> {
  if (jobs.length === 0) return []
  const { store, clock } = ports
  const now = clock.now()
  const record = seen(await store.readJobs(), jobs, now)
  const started: Creation[] = []
  const next = { ...record, version: record.version + 1, tickedAt: now, jobs: { ...record.jobs } }
  for (const job of jobs) {
    const minute = dueMinute(job, record, now)
    if (minute === undefined) continue
    try {
      const creation = await claimRun(job, minute, regionCode, ports, work)
      if (creation) started.push(creation)
      Object.assign(next.jobs, { [job.name]: { ...record.jobs[job.name], ranAt: minute } })
    } catch (error) {
      // It keeps no other from its turn, and is looked for as if this tick had not been.
      logDefect(error, work.log)
      next.tickedAt = record.tickedAt
    }
  }
  const told = await silences(next, jobs, ports, now)
  await store.replaceJobs(told.record, told.notices)
  return started
}

/**
 * Claims a scheduled run of a job: its minute is its key, so that there is one record of it however often it is asked
 * for. One whose name is taken is rejected, and recorded too. Gives the creation if it is to be moved on now.
 */
export async function claimRun(
  job: Job,
  at: number,
  regionCode: string,
  ports: Ports,
  work: Work,
): Promise<Creation | undefined> {
  const wish = wishOf(job, at, regionCode)
  const key = rfc3339(wish.run?.minute ?? at)
  const caller = { name: callerOf(job), scopes: [] }
  const claim = await claimOf({ ...wish, caller, key }, ports.site)
  try {
    const { creation, isReplay } = await claimed(claim, caller, ports, work)
    return isReplay && !isDue(creation, ports.clock.now()) ? undefined : creation
  } catch (error) {
    // The minute had its run, of the job as it was then.
    if (isProblem(error, 'idempotency-key-reused')) return undefined
    if (!isProblem(error, 'name-taken')) throw error
  }
  const act = actOf(ports, work)
  const { next, notices } = withNotices(rejected(accepted(claim, act), NAME_TAKEN, act), act.at)
  const { outcome } = await ports.store.claim(next, { today: 0 }, notices)
  if (outcome === 'claimed') logTransition(next, work)
  return undefined
}

/** What was seen of jobs, with those that are seen for the first time, or with other times than before. */
function seen(record: JobsRecord | undefined, jobs: Job[], now: number): JobsRecord {
  const { version = 0, tickedAt = now, jobs: known = {} } = record ?? {}
  const entries = jobs.map(({ name, cron, timeZone }): [string, JobSeen] => {
    const before = known[name]
    const { readyAt = null, silentAt = null } = before ?? {}
    const isSame = before?.cron === cron && before.timeZone === timeZone
    const anew = { cron, timeZone, seenAt: now, ranAt: null, readyAt, silentAt }
    return [name, isSame ? before : anew]
  })
  return { version, tickedAt, jobs: Object.fromEntries(entries) }
}

/** The latest minute at which a job should have run, unless there is a record of that. */
function dueMinute(job: Job, { jobs, tickedAt }: JobsRecord, now: number): number | undefined {
  const { seenAt = now, ranAt = null } = jobs[job.name] ?? {}
  const since = Math.min(now - LEAST_LOOK_MS, Math.max(now - MOST_LOOK_MS, tickedAt))
  const latest = job.schedule.between(Math.max(since, seenAt), now).at(-1)
  return latest === ranAt ? undefined : latest
}

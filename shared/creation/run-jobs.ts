import type { Caller } from '../caller.ts'
import { contentAt, type Job } from '../jobs.ts'
import { problemSeen } from '../log.ts'
import { isProblem, storedProblem } from '../problem.ts'
import { rfc3339 } from '../rfc3339.ts'
import type { Work } from '../work.ts'
import { claimed, claimOf, tryClaim } from './create.ts'
import { accepted, type Creation, rejected } from './creation.ts'
import type { JobSeen, JobsRecord } from './jobs-record.ts'
import { withNotices } from './notices.ts'
import { actOf, type Ports } from './ports.ts'
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
export function wishOf(job: Job, at: number, regionCode: string) {
  const minute = at - (at % MINUTE_MS)
  return {
    regionCode: job.image.regionCode ?? regionCode,
    content: contentAt(job, minute),
    notify: job.notify,
    run: { job: job.name, minute, template: job.image.name },
  }
}

/** The caller that scheduled runs of a job are kept under. */
export function callerOf({ name }: Job): Caller {
  return { name: `job:${name}`, scopes: [] }
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
  const { store, clock } = ports
  const now = clock.now()
  const before = (await store.readJobs()) ?? { version: 0, tickedAt: now, jobs: {} }
  if (jobs.length === 0 && Object.keys(before.jobs).length === 0) return []
  const states = jobs.map((job) => ({ job, seen: seenOf(job, before, now) }))
  const started: Creation[] = []
  let tickedAt = now
  for (const state of states) {
    const { job, seen } = state
    const minute = dueMinute(job, seen, before.tickedAt, now)
    if (minute === undefined) continue
    if (clock.now() >= work.deadline) {
      tickedAt = before.tickedAt
      break
    }
    try {
      const creation = await claimRun(job, minute, regionCode, ports, work)
      if (creation) started.push(creation)
      state.seen = { ...seen, ranAt: minute }
    } catch (error) {
      // It keeps no other from its turn, and is looked for as if this tick had not been.
      problemSeen(error, work.log)
      tickedAt = before.tickedAt
    }
  }
  const told = await silences(states, ports, now)
  const entries = told.states.map(({ job, seen }) => [job.name, seen])
  const others = Object.entries(before.jobs).filter(([, seen]) => isKnown(seen, before))
  const next = { version: before.version + 1, tickedAt }
  const known = Object.fromEntries([...others, ...entries])
  await store.replaceJobs({ ...next, jobs: known }, told.notices)
  return started
}

/**
 * Claims a scheduled run of a job: its minute is its key, so that there is one record of it however often it is asked
 * for. One whose name is taken is rejected, and recorded too. Gives the creation if it is new, to be moved on.
 */
export async function claimRun(
  job: Job,
  at: number,
  regionCode: string,
  ports: Ports,
  work: Work,
): Promise<Creation | undefined> {
  const wish = wishOf(job, at, regionCode)
  const caller = callerOf(job)
  const claim = await claimOf({ ...wish, caller, key: rfc3339(wish.run.minute) }, ports.site)
  try {
    const { creation, isReplay } = await claimed(claim, caller, ports, work)
    return isReplay ? undefined : creation
  } catch (error) {
    // The minute had its run, of the job as it was then.
    if (isProblem(error, 'idempotency-key-reused')) return undefined
    if (!isProblem(error, 'name-taken')) throw error
    const act = actOf(ports, work)
    const record = rejected(accepted(claim, act), storedProblem(error), act)
    const { next, notices } = withNotices(record, ports.targets, act.at)
    const { outcome } = await tryClaim(next, caller, ports, notices)
    if (outcome === 'claimed') logTransition(next, work)
    return undefined
  }
}

/** What is known of a job; of one that is new, or has other times than before, it begins now. */
function seenOf({ name, cron, timeZone }: Job, before: JobsRecord, now: number): JobSeen {
  const entry = before.jobs[name]
  const known = entry && isKnown(entry, before) ? entry : undefined
  if (known?.cron === cron && known.timeZone === timeZone) return { ...known, lastSeenAt: now }
  const { readyAt = null, silentAt = null } = known ?? {}
  return { cron, timeZone, seenAt: now, lastSeenAt: now, ranAt: null, readyAt, silentAt }
}

/** Whether a job was there lately, as far as there were ticks: of two relays one may know it before the other does. */
function isKnown({ lastSeenAt }: JobSeen, { tickedAt }: JobsRecord): boolean {
  return tickedAt - lastSeenAt <= LEAST_LOOK_MS
}

/** The latest minute at which a job should have run, unless there is a record of that. */
function dueMinute({ schedule }: Job, { seenAt, ranAt }: JobSeen, tickedAt: number, now: number) {
  const since = Math.min(now - LEAST_LOOK_MS, Math.max(now - MOST_LOOK_MS, tickedAt))
  const latest = schedule.between(Math.max(since, seenAt), now).at(-1)
  return latest === ranAt ? undefined : latest
}

import { type Caller, jobCallerName } from '../caller.ts'
import type { Context } from '../context.ts'
import { toProblem } from '../log.ts'
import { withNotices } from '../operations/announce.ts'
import { claimOnce, claimOperation } from '../operations/claim.ts'
import { createImage } from '../operations/create-image/kind.ts'
import type { Operation } from '../operations/operation.ts'
import { newClaim } from '../operations/request.ts'
import { logTransition } from '../operations/save.ts'
import { accept, reject } from '../operations/transitions.ts'
import { noticeRecord } from '../outbox/notice.ts'
import { isProblem, storedProblem } from '../problem.ts'
import { MINUTE_MS } from '../web/durations.ts'
import { rfc3339 } from '../web/rfc3339.ts'
import { imageNameAt, type Job } from './job.ts'
import { findOverdueJobs } from './overdue.ts'
import { JOBS_ID, type JobSeen, type JobsRecord } from './record.ts'

/** The time for which a tick looks back for due runs: at least 15 minutes, and at most 6 hours if ticks were missing. */
const MIN_LOOK_BACK_MS = 15 * MINUTE_MS
const MAX_LOOK_BACK_MS = 360 * MINUTE_MS

/** The jobs, and the region of jobs without a region. */
export interface Schedules {
  jobs: Job[]
  regionCode: string
}

/** Returns the request of a job's run. `at` (milliseconds since the epoch) is rounded down to the minute. */
export function requestForRun(job: Job, at: number, regionCode: string) {
  const minute = at - (at % MINUTE_MS)
  const { regionCode: ownRegionCode = regionCode, ...template } = job.image
  return {
    kind: createImage,
    input: { ...template, name: imageNameAt(job, minute) },
    regionCode: ownRegionCode,
    notify: job.notify,
    run: { job: job.name, minute, template },
  }
}

/** Returns the caller of a job's scheduled runs. */
export function callerOf({ name }: Job): Caller {
  return { name: jobCallerName(name), scopes: [] }
}

/**
 * Claims due runs of jobs, reports overdue jobs, and records the time of the tick. Returns the new operations, which the
 * caller must reconcile.
 */
export async function startRuns(
  { jobs, regionCode }: Schedules,
  context: Context,
): Promise<Operation[]> {
  const { store, clock } = context
  const now = clock.now()
  const before = (await store.get('jobs', JOBS_ID)) ?? { version: 0, tickedAt: now, jobs: {} }
  const states = jobs.map((job) => ({ job, seen: seenOf(job, before, now) }))
  const started: Operation[] = []
  let tickedAt = now
  for (const state of states) {
    const { job, seen } = state
    const minute = dueMinute(job, seen, before.tickedAt, now)
    if (minute === undefined) continue
    if (clock.now() >= context.deadline) {
      tickedAt = before.tickedAt
      break
    }
    try {
      const operation = await claimRun(job, minute, regionCode, context)
      if (operation) started.push(operation)
      state.seen = { ...seen, ranAt: minute }
    } catch (error) {
      // Other jobs continue; this one is retried by the next tick.
      toProblem(error, context.log)
      tickedAt = before.tickedAt
    }
  }
  const overdue = await findOverdueJobs(states, now, context)
  const entries = overdue.states.map(({ job, seen }) => [job.name, seen])
  const others = Object.entries(before.jobs).filter(([, seen]) => isKnown(seen, before))
  const next = { version: before.version + 1, tickedAt }
  const known = Object.fromEntries([...others, ...entries])
  await store.commit([
    { type: 'jobs', record: { ...next, jobs: known } },
    ...overdue.notices.map(noticeRecord),
  ])
  return started
}

/**
 * Claims a scheduled run of a job. The minute is the idempotency key, so a repeat makes no second record. A run whose name
 * is taken is recorded as rejected. Returns the operation only if it is new and the caller must reconcile it.
 */
export async function claimRun(
  job: Job,
  at: number,
  regionCode: string,
  context: Context,
): Promise<Operation | undefined> {
  const request = requestForRun(job, at, regionCode)
  const caller = callerOf(job)
  const key = { origin: 'scheduled-minute' as const, value: rfc3339(request.run.minute) }
  const claim = await newClaim({ ...request, caller, key }, context)
  try {
    const { operation, isReplay } = await claimOperation(claim, { caller }, context)
    return isReplay ? undefined : operation
  } catch (error) {
    // The minute already has a run, made with an earlier configuration of the job.
    if (isProblem(error, 'idempotency-key-reused')) return undefined
    if (!isProblem(error, 'name-taken')) throw error
    const record = reject(accept(claim, context), storedProblem(error), context)
    const { next, notices } = withNotices(record, context.targets, context.clock.now())
    const { outcome } = await claimOnce(next, caller, notices, context)
    if (outcome === 'ok') logTransition(next, context)
    return undefined
  }
}

/** Returns the record of a job. The record of a new job, or of a job with a new schedule, begins now. */
function seenOf({ name, cron, timeZone }: Job, before: JobsRecord, now: number): JobSeen {
  const entry = before.jobs[name]
  const known = entry && isKnown(entry, before) ? entry : undefined
  if (known?.cron === cron && known.timeZone === timeZone) return { ...known, lastSeenAt: now }
  const { readyAt = null, overdueAt = null } = known ?? {}
  return { cron, timeZone, seenAt: now, lastSeenAt: now, ranAt: null, readyAt, overdueAt }
}

/** True if a recent tick saw the job. Records are kept for that time, because another relay may still have the job. */
function isKnown({ lastSeenAt }: JobSeen, { tickedAt }: JobsRecord): boolean {
  return tickedAt - lastSeenAt <= MIN_LOOK_BACK_MS
}

/** Returns the latest minute at which a job should have run; `undefined` if there is none or its run is stored. */
function dueMinute({ schedule }: Job, { seenAt, ranAt }: JobSeen, tickedAt: number, now: number) {
  const since = Math.min(now - MIN_LOOK_BACK_MS, Math.max(now - MAX_LOOK_BACK_MS, tickedAt))
  const latest = schedule.between(Math.max(since, seenAt), now).at(-1)
  return latest === ranAt ? undefined : latest
}

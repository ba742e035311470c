import * as v from 'valibot'
import type { Schedule } from '../jobs/cron.ts'
import { type Job, namesEveryMinute } from '../jobs/job.ts'
import { callerOf, requestForRun } from '../jobs/runs.ts'
import type { Operation } from '../operations/operation.ts'
import { OperationView, operationView } from '../operations/view.ts'
import { parse } from '../parse.ts'
import { invalidInput, Problem } from '../problem.ts'
import { Rfc3339 } from '../web/rfc3339.ts'
import type { RequestContext } from './request-context.ts'

const RUNS_SHOWN = 5

/** A platform's event that runs one job; other fields are ignored. */
const RunEvent = v.object({ job: v.string(), scheduledAt: Rfc3339 })

const Run = v.object({ scheduledAt: v.string(), operation: OperationView })

/** A job as callers see it; times are in its time zone. */
export const JobView = v.object({
  name: v.string(),
  cron: v.string(),
  timeZone: v.string(),
  notify: v.array(v.string()),
  expectEveryHours: v.nullable(v.number()),
  /** Null if there is none within eleven years. */
  nextRun: v.nullable(v.object({ scheduledAt: v.string() })),
  /** Scheduled runs, newest first. */
  lastRuns: v.array(Run),
})

/** A job as callers see it. */
export type JobView = v.InferOutput<typeof JobView>

/** Reads all jobs, each with its next run and its last runs as they are stored. */
export function jobViews(context: RequestContext): Promise<JobView[]> {
  return Promise.all(context.jobs.map((job) => viewOf(job, context)))
}

/**
 * Returns the request of a run of a job now.
 * @throws Problem `not-found`, or `invalid-input` if the name of its image does not contain the minute
 */
export function requestToRun(name: string, { jobs, clock, regionCode }: RequestContext) {
  const job = jobNamed(name, jobs)
  if (!namesEveryMinute(job)) {
    throw invalidInput([
      {
        path: 'image.name',
        message: 'of this job must contain {HHmm}, so that every run has a name of its own',
      },
    ])
  }
  return requestForRun(job, clock.now(), regionCode)
}

/**
 * Reads a platform's event: the job that it names, and the scheduled time of the run.
 * @throws Problem `invalid-input` or `not-found`
 */
export function runOf(event: unknown, jobs: Job[]): { job: Job; at: number } {
  const parsed = parse(RunEvent, event)
  if ('errors' in parsed) throw invalidInput(parsed.errors)
  return { job: jobNamed(parsed.value.job, jobs), at: parsed.value.scheduledAt }
}

function jobNamed(name: string, jobs: Job[]): Job {
  const job = jobs.find((one) => one.name === name)
  if (!job) throw new Problem('not-found', 'There is no job with this name')
  return job
}

async function viewOf(job: Job, context: RequestContext): Promise<JobView> {
  const { name, cron, timeZone, notify, expectEveryHours = null, schedule } = job
  const caller = callerOf(job).name
  const last = await context.store.list({ caller, limit: RUNS_SHOWN })
  const next = schedule.next(context.clock.now())
  return {
    name,
    cron,
    timeZone,
    notify,
    expectEveryHours,
    nextRun: next === undefined ? null : { scheduledAt: schedule.local(next) },
    lastRuns: last.flatMap((operation) => runView(operation, schedule)),
  }
}

function runView(operation: Operation, schedule: Schedule): v.InferOutput<typeof Run>[] {
  const { run } = operation
  return run
    ? [{ scheduledAt: schedule.local(run.minute), operation: operationView(operation) }]
    : []
}

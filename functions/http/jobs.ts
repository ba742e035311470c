import * as v from 'valibot'
import type { Schedule } from '../../shared/jobs/cron.ts'
import { type Job, namesEveryMinute } from '../../shared/jobs/job.ts'
import { callerOf, requestForRun } from '../../shared/jobs/runs.ts'
import type { Operation } from '../../shared/operations/operation.ts'
import { OperationView, operationView } from '../../shared/operations/view.ts'
import { parse } from '../../shared/parse.ts'
import { invalidInput, Problem } from '../../shared/problem.ts'
import { Rfc3339 } from '../../shared/web/rfc3339.ts'
import type { RequestContext } from '../request-context.ts'
import { makeImage } from './operations.ts'
import type { Reply } from './reply.ts'

const RUNS_SHOWN = 5

/** The parameters of the list of jobs: none. */
export const JobsQuery = v.strictObject({})

/** The parameters of one job. */
export const JobAddress = v.strictObject({ name: v.string() })

/** The body of a run: none, or an empty object. */
export const RunBody = v.optional(v.strictObject({}))

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

/** Answers with all jobs. */
export async function listJobs(_: unknown, context: RequestContext): Promise<Reply> {
  const items = await jobViews(context)
  return { status: 200, body: { items }, lines: aligned(items.map(cellsOf)) }
}

/** Reads all jobs, each with its next run and its last runs as they are stored. */
export function jobViews(context: RequestContext): Promise<JobView[]> {
  return Promise.all(context.jobs.map((job) => viewOf(job, context)))
}

/** Runs a job now, as the caller's own operation. */
export async function runJob(
  { name }: v.InferOutput<typeof JobAddress>,
  context: RequestContext,
): Promise<Reply> {
  return makeImage(requestToRun(name, context), context)
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

/** Returns the columns of a job: name, next run, last run, its status and its image. */
function cellsOf({ name, nextRun, lastRuns: [last] }: JobView): string[] {
  return [
    name,
    nextRun?.scheduledAt ?? '-',
    last?.scheduledAt ?? '-',
    last?.operation.status ?? '-',
    last?.operation.image?.imageNo ?? '-',
  ]
}

/** Writes rows in aligned columns. */
function aligned(rows: string[][]): string[] {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
    [],
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

import * as v from 'valibot'
import { type Job, namesEveryMinute } from '../jobs/job.ts'
import { JOBS_ID, type JobsRecord } from '../jobs/record.ts'
import { callerOf, requestForRun } from '../jobs/runs.ts'
import { type Operation, type Run, statusOf } from '../operations/operation.ts'
import { STATUSES } from '../operations/state.ts'
import { OperationView, operationView } from '../operations/view.ts'
import { parse } from '../parse.ts'
import { invalidInput, Problem } from '../problem.ts'
import { Rfc3339 } from '../web/rfc3339.ts'

import type { RequestContext } from './request-context.ts'
import { defineRow } from './row.ts'
import { START_PROBLEMS, startFor } from './start.ts'

const RUNS_SHOWN = 5

/** A platform's event that runs one job; other fields are ignored. */
const RunEvent = v.object({ job: v.string(), scheduledAt: Rfc3339 })

const RunView = v.object({ scheduledAt: v.string(), operation: OperationView })

const summaryEntries = {
  name: v.string(),
  cron: v.string(),
  timeZone: v.string(),
  notify: v.array(v.string()),
  expectEveryHours: v.nullable(v.number()),
  /** True if no image of the job became ready for longer than `expectEveryHours`, as the last tick found. */
  overdue: v.boolean(),
  /** True if the name of its image contains the minute, so that it can run at any time. */
  mayRunNow: v.boolean(),
  /** Null if there is none within eleven years. */
  nextRun: v.nullable(v.object({ scheduledAt: v.string() })),
  lastRun: v.nullable(
    v.object({
      scheduledAt: v.string(),
      operationId: v.string(),
      status: v.picklist(STATUSES),
      imageNo: v.nullable(v.string()),
    }),
  ),
}

/** A job in a list; times are in its time zone. */
const JobSummary = v.object(summaryEntries)

/** A job in a list; times are in its time zone. */
export type JobSummary = v.InferOutput<typeof JobSummary>

/** Lists all jobs, each with its next and its last run as they are stored. */
export const listJobs = defineRow({
  name: 'listJobs',
  scope: 'images:read',
  summary: 'List jobs with their next and last runs',
  parameters: v.strictObject({}),
  output: v.object({ items: v.array(JobSummary) }),
  problems: [],
  run: async (_, context) => {
    const record = await context.store.get('jobs', JOBS_ID)
    return Promise.all(
      context.jobs.map(async (job) => {
        const [last] = await runsOf(job, 1, context)
        return summaryOf(job, last, record, context)
      }),
    )
  },
  view: (items) => ({ items }),
})

const JobAddress = v.strictObject({ name: v.string() })

/** Reads one job: its summary and its last scheduled runs, newest first. */
export const getJob = defineRow({
  name: 'getJob',
  scope: 'images:read',
  summary: 'Read a job with its last runs',
  parameters: JobAddress,
  output: v.object({ ...summaryEntries, lastRuns: v.array(RunView) }),
  problems: ['job-not-found'],
  run: async ({ name }, context) => {
    const job = jobNamed(name, context.jobs)
    const runs = await runsOf(job, RUNS_SHOWN, context)
    const record = await context.store.get('jobs', JOBS_ID)
    const { schedule } = job
    const lastRuns = runs.map((operation) => {
      const scheduledAt = schedule.local(operation.run.minute)
      return { scheduledAt, operation: operationView(operation) }
    })
    return { ...summaryOf(job, runs[0], record, context), lastRuns }
  },
  view: (job) => job,
})

/** Runs a job now, as the caller's own operation. */
export const runJob = defineRow({
  name: 'runJob',
  scope: 'images:create',
  summary: 'Run a job now; the name of its image must contain {HHmm}',
  parameters: JobAddress,
  output: OperationView,
  problems: ['job-not-found', ...START_PROBLEMS],
  run: async ({ name }, context) => startFor(requestToRun(name, context), context),
  view: ({ operation }) => operationView(operation),
})

/**
 * Returns the request of a run of a job now.
 * @throws Problem `job-not-found`, or `invalid-input` if the name of its image does not contain the minute
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
 * @throws Problem `invalid-input` or `job-not-found`
 */
export function runOf(event: unknown, jobs: Job[]): { job: Job; at: number } {
  const parsed = parse(RunEvent, event)
  if ('errors' in parsed) throw invalidInput(parsed.errors)
  return { job: jobNamed(parsed.value.job, jobs), at: parsed.value.scheduledAt }
}

function jobNamed(name: string, jobs: Job[]): Job {
  const job = jobs.find((one) => one.name === name)
  if (!job) throw new Problem('job-not-found', 'There is no job with this name')
  return job
}

/** Reads the operations of a job's last runs, newest first. */
async function runsOf(job: Job, limit: number, { store }: RequestContext) {
  const operations = await store.list({ of: { caller: callerOf(job).name }, limit })
  return operations.flatMap(({ run, ...operation }) => (run ? [{ ...operation, run }] : []))
}

function summaryOf(
  job: Job,
  last: (Operation & { run: Run }) | undefined,
  record: JobsRecord | undefined,
  { clock }: RequestContext,
): JobSummary {
  const { name, cron, timeZone, notify, expectEveryHours = null, schedule } = job
  const next = schedule.next(clock.now())
  return {
    name,
    cron,
    timeZone,
    notify,
    expectEveryHours,
    overdue: (record?.jobs[name]?.overdueAt ?? null) !== null,
    mayRunNow: namesEveryMinute(job),
    nextRun: next === undefined ? null : { scheduledAt: schedule.local(next) },
    lastRun: last
      ? {
          scheduledAt: schedule.local(last.run.minute),
          operationId: last.operationId,
          status: statusOf(last),
          imageNo: last.result?.imageNo ?? null,
        }
      : null,
  }
}

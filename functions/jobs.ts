import * as v from 'valibot'
import type { Creation } from '../shared/creation/creation.ts'
import { callerOf, wishOf } from '../shared/creation/run-jobs.ts'
import { CreationView, creationView } from '../shared/creation/view.ts'
import type { Schedule } from '../shared/cron.ts'
import { isByMinute, type Job } from '../shared/jobs.ts'
import { parse } from '../shared/parse.ts'
import { invalidInput, Problem } from '../shared/problem.ts'
import { Rfc3339 } from '../shared/rfc3339.ts'
import { type Call, portsOf } from './call.ts'
import { makeImage } from './creations.ts'
import type { Reply } from './reply.ts'

const RUNS_SHOWN = 5

/** No parameters at all. */
export const JobsQuery = v.strictObject({})

/** One job, by name. */
export const JobAddress = v.strictObject({ name: v.string() })

/** A run needs to be told nothing. */
export const RunBody = v.optional(v.strictObject({}))

/** What a platform sends to run one job; more may stand beside it. */
const RunEvent = v.object({ job: v.string(), scheduledAt: Rfc3339 })

const Run = v.object({ scheduledAt: v.string(), creation: CreationView })

/** A job as callers see it; times by the clocks of its zone. */
export const JobView = v.object({
  name: v.string(),
  cron: v.string(),
  timeZone: v.string(),
  notify: v.array(v.string()),
  expectEveryHours: v.nullable(v.number()),
  /** Null where no time comes within eleven years. */
  nextRun: v.nullable(v.object({ scheduledAt: v.string() })),
  /** Scheduled ones, newest first. */
  lastRuns: v.array(Run),
})

/** Answers with all jobs, the next run of each and the last ones as they are stored. */
export async function listJobs(_: unknown, call: Call): Promise<Reply> {
  const items = await Promise.all(call.jobs.map((job) => viewOf(job, call)))
  return { status: 200, body: { items }, lines: aligned(items.map(cellsOf)) }
}

/** Runs a job now, as the caller's own. */
export async function runJob(
  { name }: v.InferOutput<typeof JobAddress>,
  call: Call,
): Promise<Reply> {
  return makeImage(wishToRun(name, call), call)
}

/** The wish that a run of a job now is. @throws Problem `not-found`, or `invalid-input` where its names are not by the minute */
export function wishToRun(name: string, { jobs, clock, regionCode }: Call) {
  const job = jobNamed(name, jobs)
  if (!isByMinute(job)) {
    throw invalidInput([
      { path: 'image.name', message: 'of the job must contain {HHmm}: it may be run at any time' },
    ])
  }
  return wishOf(job, clock.now(), regionCode)
}

/**
 * The job that a platform's event names, and the time that it is a run of.
 * @throws Problem `invalid-input` or `not-found`
 */
export function runOf(event: unknown, jobs: Job[]): { job: Job; at: number } {
  const parsed = parse(RunEvent, event)
  if ('errors' in parsed) throw invalidInput(parsed.errors)
  return { job: jobNamed(parsed.value.job, jobs), at: parsed.value.scheduledAt }
}

function jobNamed(name: string, jobs: Job[]): Job {
  const job = jobs.find((one) => one.name === name)
  if (!job) throw new Problem('not-found', 'There is no such job')
  return job
}

async function viewOf(job: Job, call: Call): Promise<v.InferOutput<typeof JobView>> {
  const { name, cron, timeZone, notify, expectEveryHours = null, schedule } = job
  const caller = callerOf(job).name
  const last = await portsOf(call).store.list({ caller, limit: RUNS_SHOWN })
  const next = schedule.next(call.clock.now())
  return {
    name,
    cron,
    timeZone,
    notify,
    expectEveryHours,
    nextRun: next === undefined ? null : { scheduledAt: schedule.local(next) },
    lastRuns: last.flatMap((creation) => runView(creation, schedule)),
  }
}

function runView(creation: Creation, schedule: Schedule): v.InferOutput<typeof Run>[] {
  const { run } = creation
  return run ? [{ scheduledAt: schedule.local(run.minute), creation: creationView(creation) }] : []
}

/** Name, next run, last run, what became of it, and its image. */
function cellsOf({ name, nextRun, lastRuns: [last] }: v.InferOutput<typeof JobView>): string[] {
  const { state, image } = last?.creation ?? {}
  return [
    name,
    nextRun?.scheduledAt ?? '-',
    last?.scheduledAt ?? '-',
    (state === 'created' ? image?.phase : state) ?? '-',
    image?.imageNo ?? '-',
  ]
}

/** Lines whose cells stand under each other. */
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

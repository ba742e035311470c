import * as v from 'valibot'
import { type JobSummary, jobSummaries, readJob, requestToRun } from '../../shared/api/jobs.ts'
import type { RequestContext } from '../../shared/api/request-context.ts'
import type { Reply } from '../reply.ts'
import { makeImage } from './operations.ts'

/** The parameters of the list of jobs: none. */
export const JobsQuery = v.strictObject({})

/** The parameters of one job. */
export const JobAddress = v.strictObject({ name: v.string() })

/** The body of a run: none, or an empty object. */
export const RunBody = v.optional(v.strictObject({}))

/** Answers with all jobs. */
export async function listJobs(_: unknown, context: RequestContext): Promise<Reply> {
  const items = await jobSummaries(context)
  return { status: 200, body: { items }, lines: aligned(items.map(cellsOf)) }
}

/** Answers with one job and its last runs. */
export async function jobByName(
  { name }: v.InferOutput<typeof JobAddress>,
  context: RequestContext,
): Promise<Reply> {
  const job = await readJob(name, context)
  return { status: 200, body: job, lines: aligned([cellsOf(job)]) }
}

/** Runs a job now, as the caller's own operation. */
export async function runJob(
  { name }: v.InferOutput<typeof JobAddress>,
  _: unknown,
  context: RequestContext,
): Promise<Reply> {
  return makeImage(requestToRun(name, context), context)
}

/** Returns the columns of a job: name, next run, last run, its status and its image. */
function cellsOf({ name, nextRun, lastRun }: JobSummary): string[] {
  return [
    name,
    nextRun?.scheduledAt ?? '-',
    lastRun?.scheduledAt ?? '-',
    lastRun?.status ?? '-',
    lastRun?.imageNo ?? '-',
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

import type { getJob, JobSummary } from '../../shared/api/jobs.ts'
import type { Answering } from './route.ts'

/** Answers with all jobs. */
export const jobs: Answering<JobSummary[]> = {
  reply: (items) => ({ status: 200, lines: aligned(items.map(cellsOf)) }),
}

/** Answers with one job. */
export const oneJob: Answering<Awaited<ReturnType<typeof getJob.run>>> = {
  reply: (job) => ({ status: 200, lines: aligned([cellsOf(job)]) }),
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

import * as v from 'valibot'

/** The record of one job. Times are milliseconds since the epoch. */
const JobSeen = v.object({
  /** The job's schedule. A changed schedule starts a new record. */
  cron: v.string(),
  timeZone: v.string(),
  /** The time when a tick first saw the job with this schedule. */
  seenAt: v.number(),
  /** The time when a tick last saw the job. */
  lastSeenAt: v.number(),
  /** The scheduled minute of the last run that is stored. */
  ranAt: v.nullable(v.number()),
  /** The time when its last image became ready; null until a tick finds one. Ticks look only if the job seems overdue. */
  readyAt: v.nullable(v.number()),
  /** The time when it was last reported as overdue; null if it is not overdue. */
  overdueAt: v.nullable(v.number()),
})

/** The record of one job. */
export type JobSeen = v.InferOutput<typeof JobSeen>

/** The id of the record of jobs; there is only one. */
export const JOBS_ID = 'all'

/** The record of jobs that ticks keep. Times are milliseconds since the epoch. */
export const JobsRecord = v.object({
  /** Counts the writes of this record; each write expects the previous version. */
  version: v.number(),
  /** The time of the last tick that started every due run. */
  tickedAt: v.number(),
  /** The records by job name. */
  jobs: v.record(v.string(), JobSeen),
})

/** The record of jobs that ticks keep. */
export type JobsRecord = v.InferOutput<typeof JobsRecord>

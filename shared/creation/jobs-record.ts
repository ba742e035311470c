/** The record of jobs that ticks keep. Times are milliseconds since the epoch. */
export interface JobsRecord {
  /** Counts the writes of this record; each write expects the previous version. */
  version: number
  /** The time of the last tick that started everything that was due. */
  tickedAt: number
  /** By the names of the jobs. */
  jobs: Record<string, JobSeen>
}

/** The record of one job. */
export interface JobSeen {
  /** Its schedule; a job with another schedule starts a new record. */
  cron: string
  timeZone: string
  /** The times when it was first seen with this schedule, and last. */
  seenAt: number
  lastSeenAt: number
  /** The minute of the last run that has a record. */
  ranAt: number | null
  /** When its last image became ready, as far as ticks looked for it. */
  readyAt: number | null
  /** When it was last reported as overdue; null while it is not. */
  overdueAt: number | null
}

/** The record of jobs that ticks keep. Times are milliseconds since the epoch. */
export interface JobsRecord {
  /** Counts the writes of this record; each write expects the previous version. */
  version: number
  /** The time of the last tick that started every due run. */
  tickedAt: number
  /** The records by job name. */
  jobs: Record<string, JobSeen>
}

/** The record of one job. */
export interface JobSeen {
  /** The job's schedule. A changed schedule starts a new record. */
  cron: string
  timeZone: string
  /** The time when a tick first saw the job with this schedule. */
  seenAt: number
  /** The time when a tick last saw the job. */
  lastSeenAt: number
  /** The scheduled minute of the last run that is stored. */
  ranAt: number | null
  /** The time when its last image became ready; null until a tick finds one. Ticks look only if the job seems overdue. */
  readyAt: number | null
  /** The time when it was last reported as overdue; null if it is not overdue. */
  overdueAt: number | null
}

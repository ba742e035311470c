/** What was seen of jobs. Times are milliseconds since the epoch. */
export interface JobsRecord {
  /** Counts the writes of this record; each write expects the one before. */
  version: number
  /** When the last tick was that left nothing to start. */
  tickedAt: number
  /** By their names. */
  jobs: Record<string, JobSeen>
}

/** What was seen of one job. */
export interface JobSeen {
  /** Its times; with others it is seen anew. */
  cron: string
  timeZone: string
  /** When it was first seen so, and last. */
  seenAt: number
  lastSeenAt: number
  /** The last run that there is a record of. */
  ranAt: number | null
  /** When an image of it became ready last, as far as somebody looked. */
  readyAt: number | null
  /** When it was last told to be silent, while it is. */
  silentAt: number | null
}

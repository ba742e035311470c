import type { Log } from './log.ts'

/** What a piece of work carries along: until when it may run, and where its events go. */
export interface Work {
  /** Milliseconds since the epoch. */
  deadline: number
  log: Log
}

import type { Log } from './log.ts'

/** What a piece of work carries along: until when it may run, and where its events go. */
export interface Work {
  /** Whose it is: a caller, or the tick. */
  actor: string
  /** Milliseconds since the epoch. */
  deadline: number
  log: Log
}

import type { Log } from './log.ts'

/** The conditions of a piece of work: for whom, until when, and where its events are logged. */
export interface Work {
  /** A caller's name, or `tick`. */
  actor: string
  /** Milliseconds since the epoch. */
  deadline: number
  log: Log
}

import type { Log } from './log.ts'

/** The context of a piece of work: its actor, its deadline and its log. */
export interface Work {
  /** A caller's name, or `tick`. */
  actor: string
  /** Milliseconds since the epoch. */
  deadline: number
  log: Log
}

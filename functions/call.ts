import type { Caller } from '../shared/caller.ts'
import type { Clock } from '../shared/clock.ts'
import type { Ports } from '../shared/creation/ports.ts'
import type { Job } from '../shared/jobs.ts'
import { toProblem } from '../shared/log.ts'
import type { Gateway } from '../shared/ncloud/gateway.ts'
import { Problem } from '../shared/problem.ts'
import type { Work } from '../shared/work.ts'

const POLL_MS = 2_000

/** The seconds after which to ask again for an image that is being created. */
export const PENDING_RETRY_AFTER_SECONDS = 5

/** One request to the relay: the caller, everything that answering needs, and the deadline. */
export interface Call {
  caller: Caller
  /** The region of requests that name none. */
  regionCode: string
  jobs: Job[]
  /** The names of the targets that can be notified. */
  targets: string[]
  gateway: Gateway
  clock: Clock
  /** Everything for moving creations; missing without a durable store. */
  ports: Ports | undefined
  work: Work
  /** N of `Prefer: wait=N`. */
  waitSeconds?: number | undefined
  idempotencyKey?: string | undefined
}

/** Returns everything for moving creations. @throws Problem `not-configured` */
export function portsOf({ ports }: Call): Ports {
  if (!ports) throw storeless()
  return ports
}

/** Returns the problem of a relay without a durable store. */
export function storeless(): Problem {
  return new Problem('not-configured', 'The relay has no durable store, so it cannot create images')
}

/** Waits as long as the caller prefers, reading again every two seconds until the thing is done. */
export async function waitFor<Thing>(
  call: Call,
  first: Thing,
  again: () => Promise<Thing>,
  isDone: (thing: Thing) => boolean,
): Promise<Thing> {
  const { clock, work, waitSeconds = 0 } = call
  const until = Math.min(work.deadline, clock.now() + waitSeconds * 1_000)
  let last = first
  for (let left = until - clock.now(); left > 0 && !isDone(last); left = until - clock.now()) {
    await clock.sleep(Math.min(POLL_MS, left))
    try {
      last = await again()
    } catch (error) {
      // The request has succeeded already; a later read that fails does not change that.
      toProblem(error, work.log)
    }
  }
  return last
}

/** Returns the header that confirms a wait. */
export function preferenceApplied({ waitSeconds }: Call): Record<string, string> {
  return waitSeconds === undefined ? {} : { 'preference-applied': `wait=${waitSeconds}` }
}

import type { Caller } from '../shared/caller.ts'
import type { Clock } from '../shared/clock.ts'
import type { Ports } from '../shared/creation/ports.ts'
import type { Job } from '../shared/jobs.ts'
import { problemSeen } from '../shared/log.ts'
import type { Gateway } from '../shared/ncloud/gateway.ts'
import { Problem } from '../shared/problem.ts'
import type { Work } from '../shared/work.ts'

const LOOK_AGAIN_MS = 2_000

/** When to ask again for an image that is on its way. */
export const PENDING_RETRY_AFTER_SECONDS = 5

/** One call of the relay: who asks, with what it is answered, and until when. */
export interface Call {
  caller: Caller
  /** Where the request names no region. */
  regionCode: string
  jobs: Job[]
  /** The names of those who can be told. */
  targets: string[]
  gateway: Gateway
  clock: Clock
  /** What creations are moved with; missing where the platform keeps nothing for good. */
  ports: Ports | undefined
  work: Work
  /** Of `Prefer: wait=N`. */
  waitSeconds?: number | undefined
  idempotencyKey?: string | undefined
}

/** What creations are moved with. @throws Problem `not-configured` */
export function portsOf({ ports }: Call): Ports {
  if (!ports) throw storeless()
  return ports
}

/** What is said where nothing is kept for good. */
export function storeless(): Problem {
  return new Problem('not-configured', 'The relay has nowhere to keep creations')
}

/** A thing as it is after the wait that the caller prefers, if any: looked at every two seconds until it is done. */
export async function waitedFor<Thing>(
  call: Call,
  first: Thing,
  again: () => Promise<Thing>,
  isDone: (thing: Thing) => boolean,
): Promise<Thing> {
  const { clock, work, waitSeconds = 0 } = call
  const until = Math.min(work.deadline, clock.now() + waitSeconds * 1_000)
  let last = first
  for (let left = until - clock.now(); left > 0 && !isDone(last); left = until - clock.now()) {
    await clock.sleep(Math.min(LOOK_AGAIN_MS, left))
    try {
      last = await again()
    } catch (error) {
      // What was seen stays true: a later look that fails is no answer to a request that succeeded.
      problemSeen(error, work.log)
    }
  }
  return last
}

/** The header that confirms a wait. */
export function preferenceApplied({ waitSeconds }: Call): Record<string, string> {
  return waitSeconds === undefined ? {} : { 'preference-applied': `wait=${waitSeconds}` }
}

import type { Caller } from '../shared/caller.ts'
import type { Context } from '../shared/context.ts'
import type { Job } from '../shared/jobs/job.ts'
import { toProblem } from '../shared/log.ts'
import type { RequestKey } from '../shared/operations/create.ts'

const POLL_MS = 2_000

/** The seconds after which to ask again for an image that is being created. */
export const PENDING_RETRY_AFTER_SECONDS = 5

/** The context of one request: a context with the caller and the preferences of the request. */
export interface RequestContext extends Context {
  caller: Caller
  /** The region of requests that name none. */
  regionCode: string
  jobs: Job[]
  /** The targets that a create may name. */
  notifyTargets: string[]
  /** N of `Prefer: wait=N`. */
  waitSeconds?: number | undefined
  /** The key of a write with an `Idempotency-Key`. */
  key?: RequestKey | undefined
}

/** Waits as long as the caller prefers, reading again every two seconds until the thing is done. */
export async function waitFor<Thing>(
  first: Thing,
  again: () => Promise<Thing>,
  isDone: (thing: Thing) => boolean,
  { clock, deadline, log, waitSeconds = 0 }: RequestContext,
): Promise<Thing> {
  const until = Math.min(deadline, clock.now() + waitSeconds * 1_000)
  let last = first
  for (let left = until - clock.now(); left > 0 && !isDone(last); left = until - clock.now()) {
    await clock.sleep(Math.min(POLL_MS, left))
    try {
      last = await again()
    } catch (error) {
      // The request has succeeded already; a later read that fails does not change that.
      toProblem(error, log)
    }
  }
  return last
}

/** Returns the header that confirms a wait. */
export function preferenceApplied({ waitSeconds }: RequestContext): Record<string, string> {
  return waitSeconds === undefined ? {} : { 'preference-applied': `wait=${waitSeconds}` }
}

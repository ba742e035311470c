import type { RequestContext } from '../../shared/api/request-context.ts'
import { toProblem } from '../../shared/log.ts'

const POLL_MS = 2_000

/** The seconds after which to ask again for an image that is being created. */
export const PENDING_RETRY_AFTER_SECONDS = 5

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

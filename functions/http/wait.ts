import type { RequestContext } from '../../shared/api/request-context.ts'
import { toProblem } from '../../shared/log.ts'

const POLL_MS = 2_000

/** The seconds after which to ask again for an image that is being created. */
export const PENDING_RETRY_AFTER_SECONDS = 5

/** The context of an HTTP request. */
export interface HttpContext extends RequestContext {
  /** The time that the caller prefers to wait for an end, in seconds: 1 to 20. */
  waitSeconds?: number | undefined
}

/** A result that a caller can wait for. */
export interface Wait<Result> {
  isDone(result: Result): boolean
  /** Reads the result again. */
  again(result: Result, context: RequestContext): Promise<Result>
}

/** Waits as long as the caller prefers, reading again every two seconds until the result is done. */
export async function waitFor<Result>(
  first: Result,
  { isDone, again }: Wait<Result>,
  context: HttpContext,
): Promise<Result> {
  const { clock, deadline, log, waitSeconds = 0 } = context
  const until = Math.min(deadline, clock.now() + waitSeconds * 1_000)
  let last = first
  for (let left = until - clock.now(); left > 0 && !isDone(last); left = until - clock.now()) {
    await clock.sleep(Math.min(POLL_MS, left))
    try {
      last = await again(last, context)
    } catch (error) {
      // The request has succeeded already; a later read that fails does not change that.
      toProblem(error, log)
    }
  }
  return last
}

/** Returns the header that confirms a wait. */
export function preferenceApplied({ waitSeconds }: HttpContext): Record<string, string> {
  return waitSeconds === undefined ? {} : { 'preference-applied': `wait=${waitSeconds}` }
}

import type { RequestContext } from '../../shared/api/request-context.ts'
import { toProblem } from '../../shared/log.ts'

const POLL_MS = 2_000

/** The seconds after which to ask again for an image that is being created. */
export const PENDING_RETRY_AFTER_SECONDS = 5

/** The context of an HTTP request. */
export interface HttpContext extends RequestContext {
  /** The time that the caller prefers to wait for an end, in seconds: 1 to 20. */
  waitSeconds?: number | undefined
  polls: Polls
}

/** The reads of things that callers wait for: at most one every two seconds for each thing, however many callers wait. */
export interface Polls {
  /** Reads a thing, or returns what another caller read a moment ago; `last` while another caller is reading it. */
  share<Result>(
    subject: string,
    last: Result,
    now: number,
    read: () => Promise<Result>,
  ): Promise<Result>
}

/** Opens the shared reads of one relay. They share results, not promises: a Worker must not wait for another request. */
export function openPolls(): Polls {
  const polls = new Map<string, { at: number; result?: unknown }>()
  return {
    async share<Result>(subject: string, last: Result, now: number, read: () => Promise<Result>) {
      for (const [name, { at }] of polls) if (at + POLL_MS <= now) polls.delete(name)
      const known = polls.get(subject)
      if (known) return (known.result as Result | undefined) ?? last
      const poll: { at: number; result?: unknown } = { at: now }
      polls.set(subject, poll)
      const result = await read()
      poll.result = result
      return result
    },
  }
}

/** A result that a caller can wait for. */
export interface Wait<Result> {
  isDone(result: Result): boolean
  /** Reads the result again. */
  again(result: Result, context: HttpContext): Promise<Result>
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

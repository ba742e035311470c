import type { Context } from '../shared/context.ts'
import { JOBS_ID } from '../shared/jobs/record.ts'
import { isProblem } from '../shared/problem.ts'
import { SECOND_MS } from '../shared/web/durations.ts'
import { rfc3339 } from '../shared/web/rfc3339.ts'
import type { Reply } from './reply.ts'

/** The minimum time between two reads of the store, because anybody may ask. */
const CHECK_EVERY_MS = 10 * SECOND_MS

/** Returns a function that answers whether the relay is ready: its store answers, and when its last tick was. */
export function openReadiness({ store, clock }: Pick<Context, 'store' | 'clock'>) {
  let checkedAt = Number.NEGATIVE_INFINITY
  let last: { reply: Reply } | { error: unknown } | undefined

  async function check(): Promise<Reply> {
    const lastTick = await lastTickAt()
    const at = lastTick === undefined ? {} : { lastTick: rfc3339(lastTick) }
    return { status: 200, body: { status: 'ok', ...at }, lines: ['ok'] }
  }

  async function lastTickAt(): Promise<number | undefined> {
    try {
      return (await store.get('jobs', JOBS_ID))?.tickedAt
    } catch (error) {
      // A relay without a store can read images.
      if (isProblem(error, 'not-configured')) return undefined
      throw error
    }
  }

  return async (): Promise<Reply> => {
    const now = clock.now()
    // The result is kept, not its promise: a Worker must not wait for another request.
    if (!last || now >= checkedAt + CHECK_EVERY_MS) {
      checkedAt = now
      last = await check().then(
        (reply) => ({ reply }),
        (error: unknown) => ({ error }),
      )
    }
    if ('error' in last) throw last.error
    return last.reply
  }
}

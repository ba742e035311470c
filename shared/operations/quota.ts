import type { Caller } from '../caller.ts'
import type { Context } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Listing } from '../store/store.ts'
import { DAY_MS } from '../web/durations.ts'

const PAGE_SIZE = 100

/** Throws if a caller has reached the daily limit, before anything is claimed. @throws Problem `quota-exceeded` */
export async function mustHaveQuota(caller: Caller, { store, clock }: Context): Promise<void> {
  const { name, dailyCreations = Number.POSITIVE_INFINITY } = caller
  const now = clock.now()
  const today = startOfDay(now)
  let made = 0
  for (let after: Listing['after']; made < dailyCreations; ) {
    const page = await store.list({ of: { caller: name }, limit: PAGE_SIZE, after })
    made += page.filter(({ createdAt }) => createdAt >= today).length
    after = page.at(-1)
    if (page.length < PAGE_SIZE || !after || after.createdAt < today) break
  }
  if (made >= dailyCreations) throw quotaExceeded(caller, now)
}

/** Returns the problem of a caller that has reached the daily limit. */
export function quotaExceeded({ dailyCreations = 0 }: Caller, now: number): Problem {
  const retryAfterSeconds = Math.ceil((DAY_MS - (now % DAY_MS)) / 1_000)
  const detail = `Daily limit of ${dailyCreations} creations reached; the next is possible at 00:00 UTC (09:00 KST/JST)`
  return new Problem('quota-exceeded', detail, { retryAfterSeconds, facts: { dailyCreations } })
}

/** Returns the last midnight in UTC. Times are milliseconds since the epoch. */
export function startOfDay(now: number): number {
  return now - (now % DAY_MS)
}

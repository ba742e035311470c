const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 2_000

const BUCKET = 20
const PER_CALL = 0.1
const PER_SECOND = 1

/**
 * A budget of retries shared by all calls of an instance, so that a gateway in trouble is not asked three times as
 * often: a bucket of 20 that each call fills by 0.1 and each second by 1.
 */
export function retryBudget(now: () => number) {
  let tokens = BUCKET
  let filledAt = now()

  function fill(amount: number) {
    const seconds = Math.max(0, now() - filledAt) / 1_000
    tokens = Math.min(BUCKET, tokens + amount + seconds * PER_SECOND)
    filledAt = now()
  }

  return {
    /** Counts a call. */
    deposit: () => fill(PER_CALL),
    /** Takes a retry's worth; `false` when there is none. */
    withdraw() {
      fill(0)
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}

/** Full jitter: between 1 ms and a bound that doubles per attempt, so that no two attempts share a timestamp. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return 1 + random() * (Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)) - 1)
}

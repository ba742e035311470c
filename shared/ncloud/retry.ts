const FIRST_DELAY_MS = 100
const MAX_DELAY_MS = 2_000

const BUCKET = 20
const PER_CALL = 0.1
const PER_SECOND = 1

/**
 * Creates a retry budget for all calls of an instance: a bucket of at most 20 retries, to which each call adds 0.1 and each
 * second adds 1. Without it, a failing gateway would receive three times as many calls.
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
    /** Takes one retry; `false` if there is none left. */
    withdraw() {
      fill(0)
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}

/**
 * Returns a random delay (full jitter) in milliseconds. The minimum is 1 ms, so that no two attempts share a timestamp. The
 * maximum doubles from 100 ms to 2 s.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return 1 + random() * (Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)) - 1)
}

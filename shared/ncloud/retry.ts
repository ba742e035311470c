const FIRST_DELAY_MS = 100
const MAX_DELAY_MS = 2_000

const BUCKET = 20
const PER_CALL = 0.1
const PER_SECOND = 1

/**
 * Creates a budget of retries for all calls of an instance, so that a gateway in trouble does not get three times as many
 * calls: a bucket of 20 that each call fills by 0.1 and each second by 1.
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

/** Returns a delay with full jitter: from 1 ms, so that no two attempts share a timestamp, to a limit that doubles. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return 1 + random() * (Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)) - 1)
}

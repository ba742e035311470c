import { setImmediate as turn } from 'node:timers/promises'
import { vi } from 'vitest'
import type { Clock } from '../../shared/web/clock.ts'
import type { Transport } from '../../shared/web/transport.ts'

/** A clock that stops while anything works. When everything sleeps, it jumps to the next wake-up. */
export interface IdleClock extends Clock {
  /** Wraps a transport so that the clock stops during a request. */
  counting(transport: Transport): Transport
  /** Advances the time without a wake-up. */
  advance(milliseconds: number): void
  /** Runs the time until a promise settles. */
  until<Result>(doing: Promise<Result>): Promise<Result>
}

/** The number of event loop turns without work after which the process counts as idle. */
const QUIET_TURNS = 5

/** Creates a clock for a relay in this process. It counts Web Crypto's work until `vi.restoreAllMocks`. */
export function idleClock(): IdleClock {
  let now = Date.now()
  let working = 0
  const sleepers = new Set<{ at: number; wake: () => void }>()

  async function count<Result>(work: Promise<Result>): Promise<Result> {
    working++
    try {
      return await work
    } finally {
      working--
    }
  }

  for (const name of ['importKey', 'sign', 'verify', 'digest'] as const) {
    const original = crypto.subtle[name].bind(crypto.subtle) as (
      ...args: unknown[]
    ) => Promise<never>
    vi.spyOn(crypto.subtle, name).mockImplementation((...args: unknown[]) =>
      count(original(...args)),
    )
  }

  async function isQuiet() {
    for (let i = 0; i < QUIET_TURNS; i++) {
      await turn()
      if (working > 0) return false
    }
    return true
  }

  return {
    now: () => now,
    sleep: (milliseconds) =>
      new Promise((wake) => sleepers.add({ at: now + Math.max(0, milliseconds), wake })),
    counting: (transport) => (request, timeoutMs) => count(transport(request, timeoutMs)),
    advance(milliseconds) {
      now += milliseconds
    },
    async until(doing) {
      let isDone = false
      const done = () => {
        isDone = true
      }
      doing.then(done, done)
      for (;;) {
        const waits = await isQuiet()
        if (isDone) return doing
        if (!waits) continue
        const [next] = [...sleepers].sort((one, other) => one.at - other.at)
        if (!next) continue
        sleepers.delete(next)
        now = Math.max(now, next.at)
        next.wake()
      }
    },
  }
}

import { vi } from 'vitest'

/** The time after which a wait counts as hung. No awaited event takes that long, even on a slow machine. */
export const HANG_MS = 120_000

/** Waits until a function no longer throws or returns false, and returns what it returns. */
export function until<Result>(holds: () => Result | Promise<Result>): Promise<Result> {
  const held = async () => {
    const result = await holds()
    if (result === false) throw new Error('The condition is still false')
    return result
  }
  return vi.waitFor(held, { interval: 5, timeout: HANG_MS })
}

import { vi } from 'vitest'

/** The time after which a wait has hung; no event that a test waits for takes as long, even on a slow machine. */
export const HANG_MS = 240_000

/** Waits until a function no longer throws or returns false, and returns what it returns. */
export function until<Result>(holds: () => Result | Promise<Result>): Promise<Result> {
  const held = async () => {
    const result = await holds()
    if (result === false) throw new Error('It still does not hold')
    return result
  }
  return vi.waitFor(held, { interval: 5, timeout: HANG_MS })
}

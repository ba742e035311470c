import { describe, expect, test } from 'vitest'
import { backoffMs, retryBudget } from '../../../shared/ncloud/retry.ts'

describe('the budget of retries', () => {
  test('begins with 20 and grows by one per second', () => {
    let now = 0
    const budget = retryBudget(() => now)
    expect(Array.from({ length: 25 }, () => budget.withdraw()).filter(Boolean)).toHaveLength(20)
    now += 3_000
    expect(Array.from({ length: 25 }, () => budget.withdraw()).filter(Boolean)).toHaveLength(3)
  })

  test('limits the retries of a failing gateway to a tenth of the calls and the first 20', () => {
    const budget = retryBudget(() => 0)
    let retries = 0
    for (let call = 0; call < 10_000; call++) {
      budget.deposit()
      if (budget.withdraw()) retries++
    }
    expect(retries).toBeGreaterThan(1_000)
    expect(retries).toBeLessThanOrEqual(1_020)
  })

  test('has at most 20 after a long time', () => {
    let now = 0
    const budget = retryBudget(() => now)
    now = 86_400_000
    expect(Array.from({ length: 30 }, () => budget.withdraw()).filter(Boolean)).toHaveLength(20)
  })
})

describe('the delay before a next attempt', () => {
  test.each([
    [1, 100],
    [2, 200],
    [3, 400],
    [10, 2_000],
  ])('after attempt %i is 1 to %i ms', (attempt, max) => {
    expect(backoffMs(attempt, () => 0)).toBe(1)
    expect(backoffMs(attempt, () => 1)).toBe(max)
  })

  test('is distributed uniformly', () => {
    const delays = Array.from({ length: 5_000 }, () => backoffMs(3)).sort((a, b) => a - b)
    // Kolmogorov-Smirnov: the largest distance from uniform stays below the bound for p = 0.001.
    const distances = delays.map((delay, i) => Math.abs((delay - 1) / 399 - (i + 0.5) / 5_000))
    expect(Math.max(...distances)).toBeLessThan(1.95 / Math.sqrt(5_000))
  })
})

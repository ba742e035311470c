import { expect, test } from 'vitest'
import { isCampaign } from '../support/counts.ts'
import { check } from './check.ts'
import type { Rules } from './protocol.ts'

/** A small world that has all troubles: the horizon is beyond window and lag, one clock ahead, the other behind. */
const small: Rules = {
  window: 1,
  lag: 2,
  horizon: 4,
  maxAttempts: 2,
  throttles: 1,
  clocksAhead: [3, -3],
  ownClockMargin: 3,
}

const sizes = {
  tiny: { atLeast: 20_000 },
  short: { window: 2, lag: 2, horizon: 5, maxAttempts: 3, throttles: 2, atLeast: 400_000 },
  long: { window: 3, lag: 4, horizon: 8, maxAttempts: 4, throttles: 4, atLeast: 5_000_000 },
}
const size = process.env.MODEL_STATES === 'long' ? 'long' : isCampaign ? 'short' : 'tiny'
const { atLeast, ...larger }: Partial<Rules> & { atLeast: number } = sizes[size]

const flaws: [what: string, flaw: Partial<Rules>, violation: string][] = [
  ['signs after the write', { flaw: 'signs after the write' }, 'two images'],
  ['has a horizon of the window only', { horizon: 1 }, 'two images'],
  ['trusts a clock that is ahead', { ownClockMargin: 0 }, 'two images'],
  [
    'reads its clock after the look-up',
    { flaw: 'reads its clock after the look-up' },
    'two images',
  ],
  ['sends again blindly', { flaw: 'sends again blindly' }, 'two images'],
  ['looks nothing up', { flaw: 'looks nothing up' }, 'two images'],
  ['writes without condition', { flaw: 'writes without condition' }, 'an end that was not the end'],
  ['deletes the record on an error', { flaw: 'deletes the record on an error' }, 'two images'],
  [
    'runs again when the lease is over',
    { flaw: 'runs again when the lease is over' },
    'two images',
  ],
  ['is delivered twice', { flaw: 'is delivered twice' }, 'two images'],
  ['leaves what it finds sending', { flaw: 'leaves what it finds sending' }, 'no end in reach'],
]

/** Searches, and prints what came of it. */
function checked(name: string, rules: Rules) {
  const begun = performance.now()
  const verdict = check(rules)
  const { states, depth, violation = 'no violation' } = verdict
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1)
  console.log(`model, ${name}: ${violation}, ${states} states, depth ${depth}, ${seconds} s`)
  return verdict
}

test('the protocol makes one image at most and tells the truth of it', () => {
  const { violation, states, trace } = checked('as meant', { ...small, ...larger })
  expect(violation, trace).toBeUndefined()
  expect(states).toBeGreaterThanOrEqual(atLeast)
})

test('a horizon suffices that ends when the last image must have appeared', () => {
  const { violation, trace } = checked('shortest horizon', { ...small, horizon: 2 })
  expect(violation, trace).toBeUndefined()
})

test.for(flaws)('a protocol that %s is caught', ([what, flaw, violation]) => {
  const verdict = checked(what, { ...small, ...flaw })
  expect(verdict.violation, verdict.trace).toBe(violation)
})

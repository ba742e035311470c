import { expect, test } from 'vitest'
import { isCampaign } from '../support/counts.ts'
import { check } from './check.ts'
import type { Rules } from './protocol.ts'

/** A small world with all troubles. The horizon exceeds window and lag; one clock is ahead, the other behind. */
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
  ['has a horizon as short as the window', { horizon: 1 }, 'two images'],
  ['trusts a clock that is ahead', { ownClockMargin: 0 }, 'two images'],
  [
    'reads its clock after the look-up',
    { flaw: 'reads its clock after the look-up' },
    'two images',
  ],
  ['sends again without a look-up', { flaw: 'sends again without a look-up' }, 'two images'],
  ['finds nothing in any look-up', { flaw: 'finds nothing in any look-up' }, 'two images'],
  [
    'writes without a condition',
    { flaw: 'writes without a condition' },
    'an end that was not the end',
  ],
  ['deletes the record on an error', { flaw: 'deletes the record on an error' }, 'two images'],
  [
    'runs again when the lease has expired',
    { flaw: 'runs again when the lease has expired' },
    'two images',
  ],
  ['delivers each message twice', { flaw: 'delivers each message twice' }, 'two images'],
  [
    'ignores a record in the state sending',
    { flaw: 'ignores a record in the state sending' },
    'no end in reach',
  ],
]

/** Runs a search and prints its result. */
function checked(name: string, rules: Rules) {
  const begun = performance.now()
  const verdict = check(rules)
  const { states, depth, violation = 'no violation' } = verdict
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1)
  console.log(`model, ${name}: ${violation}, ${states} states, depth ${depth}, ${seconds} s`)
  return verdict
}

test('the protocol makes at most one image and reports it correctly', () => {
  const { violation, states, trace } = checked('correct protocol', { ...small, ...larger })
  expect(violation, trace).toBeUndefined()
  expect(states).toBeGreaterThanOrEqual(atLeast)
})

test('a horizon is long enough if it ends when the last image must have appeared', () => {
  const { violation, trace } = checked('shortest horizon', { ...small, horizon: 2 })
  expect(violation, trace).toBeUndefined()
})

test.for(flaws)('catches a protocol that %s', ([what, flaw, violation]) => {
  const verdict = checked(what, { ...small, ...flaw })
  expect(verdict.violation, verdict.trace).toBe(violation)
})

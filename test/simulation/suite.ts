import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../../shared/store/store.ts'
import { scaled } from '../support/counts.ts'
import { campaign } from './campaign.ts'
import { NO_CHAOS } from './chaos.ts'
import { sweep } from './crash-sweep.ts'
import { type Fate, GOOD_MANNERS } from './manners.ts'
import { type Plan, runSchedule } from './schedule.ts'

/** Seeds to run: 200 by default, 20,000 in CI, 1,000,000 in `npm run test:long`. */
const SCHEDULES = Number(process.env.SCHEDULES ?? 200)
const FIRST_SEED = Number(process.env.SEED ?? 0)
const isLong = SCHEDULES >= 20_000
/** Options with a timeout that is long enough for 1,000,000 seeds. */
const unhurried = { timeout: 12 * 3_600_000 }
const HEALTHY = scaled(500)
/** The maximum share of images that are not created, under faults far more frequent than in practice. */
const MAX_NOT_CREATED = 0.04

const fates: Fate[] = ['made', 'made, answer lost', 'made after an error was answered', 'refused']
const longerFates: Fate[] = [
  'made, answer unreadable',
  'lost on the way',
  'failed',
  'throttled',
  'refused for now',
  'refused for the key pair',
]

/** Returns a plan with one request, machines that stay up and a gateway that makes every image. */
function healthy(drawn: Plan): Plan {
  const [{ request, deliveredAt }] = drawn.requests
  const { foreignAt: _, ...plan } = drawn
  const { namesAreUnique, hasDate, lagMs } = drawn.manners
  return {
    ...plan,
    hosts: [0],
    isForgotten: false,
    endsEarly: false,
    chaos: NO_CHAOS,
    manners: { ...GOOD_MANNERS, namesAreUnique, hasDate, lagMs, similarNames: 2 },
    requests: [{ request, deliveredAt }],
  }
}

/** Defines the tests that operations must pass in a store of this process. */
export function simulationSuite(store: string, open: () => Store) {
  withoutSignatures()

  test(
    `are never duplicated, lost, misreported or stuck in ${SCHEDULES} schedules`,
    unhurried,
    async () => {
      const { faults, tally } = await campaign(FIRST_SEED, SCHEDULES, open)
      console.log(store, JSON.stringify(tally))
      expect(faults).toEqual([])
      // A transition that hardly occurs is not tested.
      const rare = Object.entries(tally.arrows).filter(([, count]) => count < SCHEDULES / 400)
      expect(rare).toEqual([])
      expect(tally.longUnknown).toBeGreaterThanOrEqual(Math.floor(SCHEDULES / 400))
      const { applied = 0, not_applied = 0 } = tally.ends
      expect(not_applied / (applied + not_applied)).toBeLessThan(MAX_NOT_CREATED)
    },
  )

  test('are made at the first attempt in a healthy world', unhurried, async () => {
    const states: string[] = []
    for (let seed = FIRST_SEED; seed < FIRST_SEED + HEALTHY; seed++) {
      const { ledger } = await runSchedule(seed, open(), { change: healthy })
      states.push(
        ...ledger.operations().map(({ state, attempt }) => `${state} ${attempt}, seed ${seed}`),
      )
    }
    expect(states).toHaveLength(HEALTHY)
    expect(states.filter((state) => !state.startsWith('applied 1'))).toEqual([])
  })

  describe('survive a crash at each step and at each pair of steps', () => {
    test.each(isLong ? [...fates, ...longerFates] : fates)(
      'of a create that is: %s',
      unhurried,
      async (fate) => {
        const { faults, ...counts } = await sweep(fate, open)
        console.log(store, fate, JSON.stringify(counts))
        expect(faults).toEqual([])
      },
    )
  })
}

/** Replaces signatures with zeros. Other tests cover signatures, and here each one would need the thread pool. */
export function withoutSignatures() {
  const { sign } = crypto.subtle
  // Not a spy, because it would keep millions of calls.
  beforeAll(() => {
    crypto.subtle.sign = async () => new ArrayBuffer(32)
  })
  afterAll(() => {
    crypto.subtle.sign = sign
  })
}

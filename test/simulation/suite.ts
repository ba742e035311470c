import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { CreationStore } from '../../shared/creation/store.ts'
import { campaign } from './campaign.ts'
import { sweep } from './crash-sweep.ts'
import type { Fate } from './hostile-gateway.ts'

/** Seeds to run: few by default, 20,000 in CI, a million by `npm run test:long`. */
const SCHEDULES = Number(process.env.SCHEDULES ?? 2_000)
const FIRST_SEED = Number(process.env.SEED ?? 0)
const isLong = SCHEDULES >= 20_000
const HOUR_MS = 3_600_000

const fates: Fate[] = ['made', 'made, answer lost', 'made after an error was answered', 'refused']
const longerFates: Fate[] = [
  'made, answer unreadable',
  'lost on the way',
  'failed',
  'throttled',
  'refused for the key pair',
]

/** What creations must survive in a store of this process. */
export function simulationSuite(store: string, open: () => CreationStore) {
  withoutSignatures()

  test(`${SCHEDULES} schedules: none twice, none lost, no lie, none stuck`, {
    timeout: 12 * HOUR_MS,
  }, async () => {
    const { faults, tally } = await campaign(FIRST_SEED, SCHEDULES, open)
    console.log(store, JSON.stringify(tally))
    expect(faults).toEqual([])
    // A rule that was never put to the test was not kept.
    const rare = Object.entries(tally.arrows).filter(([, count]) => count < SCHEDULES / 400)
    expect(rare).toEqual([])
  })

  describe('one create, ended at each step and at each pair of steps', () => {
    test.each(isLong ? [...fates, ...longerFates] : fates)('that is %s', async (fate) => {
      const { faults, ...counts } = await sweep(fate, open)
      console.log(store, fate, JSON.stringify(counts))
      expect(faults).toEqual([])
    })
  })
}

/** What a signature is like is proven elsewhere; here each would cost a hop to the thread pool. */
export function withoutSignatures() {
  beforeAll(() => {
    vi.spyOn(crypto.subtle, 'sign').mockResolvedValue(new ArrayBuffer(32))
  })
  afterAll(() => {
    vi.restoreAllMocks()
  })
}

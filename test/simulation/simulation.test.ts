import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openSqlite } from '../../functions/platform/server/sqlite-file.ts'
import { sqliteStore } from '../../shared/creation/sqlite-store.ts'
import type { CreationStore } from '../../shared/creation/store.ts'
import { memoryStore } from '../shared/creation/memory-store.ts'
import { campaign } from './campaign.ts'
import { sweep } from './crash-sweep.ts'
import type { Fate } from './hostile-gateway.ts'
import { runSchedule } from './schedule.ts'
import { variants } from './variants.ts'
import { faultsOf } from './verdict.ts'

/** Seeds to run: few by default, 20,000 in CI, a million by `npm run test:long`. */
const SCHEDULES = Number(process.env.SCHEDULES ?? 2_000)
const isLong = SCHEDULES >= 20_000
const FIRST_SEED = Number(process.env.SEED ?? 0)
const MOST_SEEDS_OF_A_VARIANT = 2_000
const HOURS = 3_600_000

const stores: Record<string, () => CreationStore> = {
  memory: memoryStore,
  SQLite: () => sqliteStore(openSqlite(':memory:')),
}

const fates: Fate[] = ['made', 'made, answer lost', 'made after an error was answered', 'refused']
const longerFates: Fate[] = [
  'made, answer unreadable',
  'lost on the way',
  'failed',
  'throttled',
  'refused for the key pair',
]

beforeAll(() => {
  // What a signature is like is proven elsewhere; here each would cost a hop to the thread pool.
  vi.spyOn(crypto.subtle, 'sign').mockResolvedValue(new ArrayBuffer(32))
})
afterAll(() => vi.restoreAllMocks())

describe.each(Object.keys(stores))('creations in %s', (name) => {
  const open = stores[name] as () => CreationStore

  test(`survive ${SCHEDULES} schedules: none twice, none lost, no lie, none stuck`, {
    timeout: 6 * HOURS,
  }, async () => {
    const { faults, tally } = await campaign(FIRST_SEED, SCHEDULES, open)
    console.log(name, JSON.stringify(tally))
    expect(faults).toEqual([])
    // A rule that was never put to the test was not kept.
    const rare = Object.entries(tally.arrows).filter(([, count]) => count < SCHEDULES / 400)
    expect(rare).toEqual([])
  })
})

describe.each(Object.keys(stores))(
  'a create in %s, ended at each step and at each pair of steps',
  (name) => {
    test.each(isLong ? [...fates, ...longerFates] : fates)('whose attempt is %s', async (fate) => {
      const { faults, ...counts } = await sweep(fate, stores[name] as () => CreationStore)
      console.log(name, fate, JSON.stringify(counts))
      expect(faults).toEqual([])
    })
  },
)

test('a sweep finds what is wrong', async () => {
  const { faults } = await sweep('made, answer lost', memoryStore, variants['no look-up'])
  expect(faults.join()).toMatch(/duplicate|lie/)
})

test('the same seed is the same schedule', async () => {
  const trace = async (seed: number) => {
    const { ledger, gateway, steps } = await runSchedule(seed, memoryStore())
    const creations = ledger.creations().map(({ history, image, version }) => {
      return { history, version, imageNo: image?.imageNo }
    })
    return JSON.stringify({ creations, arrivals: [...gateway.arrivals], steps })
  }
  for (const seed of [1, 2, 3, 97, 1_000_000]) {
    expect(await trace(seed)).toBe(await trace(seed))
  }
})

describe('a relay that is built wrongly is caught', () => {
  test.each(Object.keys(variants))('%s', async (name) => {
    const variant = variants[name] as (typeof variants)[string]
    for (let seed = 0; seed < MOST_SEEDS_OF_A_VARIANT; seed++) {
      const faults = faultsOf(await runSchedule(seed, memoryStore(), { variant }))
      const shown = faults.find((fault) => variant.shows.test(fault))
      if (!shown) continue
      console.log(`${name}: seed ${seed}, ${shown}`)
      return
    }
    expect.unreachable(`${name} was not caught in ${MOST_SEEDS_OF_A_VARIANT} schedules`)
  })
})

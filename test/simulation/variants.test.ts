import { describe, expect, test } from 'vitest'
import { memoryStore } from '../shared/store/memory-store.ts'
import { sweep } from './crash-sweep.ts'
import { runSchedule } from './schedule.ts'
import { withoutSignatures } from './suite.ts'
import { variants } from './variants.ts'
import { faultsOf } from './verdict.ts'

const MAX_SEEDS = 2_000

withoutSignatures()

describe('catches a relay with', () => {
  test.each(Object.entries(variants))('%s', async (name, variant) => {
    for (let seed = 0; seed < MAX_SEEDS; seed++) {
      const faults = faultsOf(await runSchedule(seed, memoryStore(), { variant }))
      const shown = faults.find((fault) => variant.shows.test(fault))
      if (!shown) continue
      console.log(`${name}: seed ${seed}, ${shown}`)
      return
    }
    expect.unreachable(`${name} was not caught in ${MAX_SEEDS} schedules`)
  })

  test('no look-up, also in a sweep', async () => {
    const { faults } = await sweep('made, answer lost', memoryStore, {
      variant: variants['no look-up'],
    })
    expect(faults.join()).toMatch(/duplicate|lie/)
  })
})

test('the same seed gives the same schedule', async () => {
  const trace = async (seed: number) => {
    const { ledger, gateway, steps } = await runSchedule(seed, memoryStore())
    const operations = ledger.operations().map(({ history, result, version }) => {
      return { history, version, imageNo: result?.imageNo }
    })
    return JSON.stringify({ operations, arrivals: [...gateway.arrivals], steps })
  }
  for (const seed of [1, 2, 3, 97, 1_000_000]) {
    expect(await trace(seed)).toBe(await trace(seed))
  }
})

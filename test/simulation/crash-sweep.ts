import type { CreationStore } from '../../shared/creation/store.ts'
import { NO_CHAOS } from './chaos.ts'
import { type Fate, GOOD_MANNERS } from './hostile-gateway.ts'
import { type Plan, runSchedule, type Variant } from './schedule.ts'
import { faultsOf } from './verdict.ts'

const SECOND = 1_000
const ENDS = ['before', 'after'] as const
const SEED = 7

/** What a sweep came through. */
export interface Sweep {
  steps: number
  singles: number
  pairs: number
  faults: string[]
}

/**
 * Runs one create to its end, ending the process that takes the n-th step before or after its effect: for every n, and
 * then for every second such end that may follow.
 */
export async function sweep(
  fate: Fate,
  open: () => CreationStore | Promise<CreationStore>,
  variant: Variant = {},
): Promise<Sweep> {
  const faults: string[] = []

  async function run(...crashes: { step: number; end: 'before' | 'after' }[]): Promise<number> {
    const outcome = await runSchedule(SEED, await open(), {
      variant,
      change: () => planOf(fate),
      crashes: (step) => crashes.find((crash) => crash.step === step)?.end,
    })
    const where = crashes.map(({ step, end }) => `${end} step ${step}`).join(', ')
    faults.push(...faultsOf(outcome).map((fault) => `${fate}, ended ${where}: ${fault}`))
    return outcome.steps
  }

  const steps = await run()
  let singles = 0
  let pairs = 0
  for (let first = 1; first <= steps; first++) {
    for (const firstEnd of ENDS) {
      const stepsThen = await run({ step: first, end: firstEnd })
      singles++
      for (let second = first + 1; second <= stepsThen; second++) {
        for (const secondEnd of ENDS) {
          await run({ step: first, end: firstEnd }, { step: second, end: secondEnd })
          pairs++
        }
      }
    }
  }
  return { steps, singles, pairs, faults }
}

/** One create that is asked for twice, on one machine, in a world where nothing but its fate is bad. */
function planOf(fate: Fate): Plan {
  const wish = {
    caller: { name: 'key:ci', scopes: [] },
    regionCode: 'KR',
    content: { name: 'web', storages: [{ snapshotNo: '1' }] },
    notify: ['ops'],
    key: 'once',
  }
  return {
    isCalm: false,
    isForgotten: false,
    hosts: [0],
    endsEarly: false,
    // Two look-ups a horizon: one that comes too early, and one that proves.
    tickEveryMs: 360 * SECOND,
    chaos: NO_CHAOS,
    manners: { ...GOOD_MANNERS, creates: { [fate]: 1 } },
    wishes: [{ wish, deliveredAt: [0, 40 * SECOND] }],
  }
}

import { createImage } from '../../shared/operations/create-image/kind.ts'
import type { Store } from '../../shared/store/store.ts'
import { NO_CHAOS } from './chaos.ts'
import { type Fate, GOOD_MANNERS } from './manners.ts'
import { type Plan, runSchedule, type Variant } from './schedule.ts'
import { faultsOf } from './verdict.ts'

const SECOND = 1_000
const ENDS = ['before', 'after'] as const
const SEED = 7

/** The counts and faults of a sweep. */
export interface Sweep {
  steps: number
  singles: number
  pairs: number
  faults: string[]
}

/**
 * Runs one create for every single crash and for every pair of crashes. A crash ends the process before or after the
 * effect of its step. With `pairsEvery` N, only every N-th first crash is paired with second ones.
 */
export async function sweep(
  fate: Fate,
  open: () => Store | Promise<Store>,
  { variant = {}, pairsEvery = 1 }: { variant?: Variant | undefined; pairsEvery?: number } = {},
): Promise<Sweep> {
  const faults: string[] = []

  async function run(...crashes: { step: number; end: 'before' | 'after' }[]): Promise<number> {
    const outcome = await runSchedule(SEED, await open(), {
      variant,
      change: () => planOf(fate),
      crashes: (step) => crashes.find((crash) => crash.step === step)?.end,
    })
    const where = crashes.map(({ step, end }) => `${end} step ${step}`).join(', ')
    faults.push(...faultsOf(outcome).map((fault) => `${fate}, process ended ${where}: ${fault}`))
    return outcome.steps
  }

  const steps = await run()
  let singles = 0
  let pairs = 0
  for (let first = 1; first <= steps; first++) {
    for (const firstEnd of ENDS) {
      const stepsThen = await run({ step: first, end: firstEnd })
      if (singles++ % pairsEvery !== 0) continue
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

/** Returns a plan with one create, requested twice on one machine. Nothing but its fate goes wrong. */
function planOf(fate: Fate): Plan {
  const request = {
    caller: { name: 'key:ci', scopes: [] },
    regionCode: 'KR',
    kind: createImage,
    input: { name: 'web', storages: [{ snapshotNo: '1' }] },
    notify: ['ops'],
    key: { origin: 'idempotency-key' as const, value: 'once' },
  }
  return {
    isCalm: false,
    isForgotten: false,
    hosts: [0],
    endsEarly: false,
    // Two look-ups per horizon: one that is too early, and one that proves absence.
    tickEveryMs: 360 * SECOND,
    chaos: NO_CHAOS,
    manners: { ...GOOD_MANNERS, creates: { [fate]: 1 } },
    requests: [{ request, deliveredAt: [0, 40 * SECOND] }],
  }
}

import type { Store } from '../../shared/store/store.ts'
import { type Outcome, runSchedule } from './schedule.ts'
import { faultsOf } from './verdict.ts'

/** The counts of a campaign. */
export interface Tally {
  schedules: number
  steps: number
  /** The number of operations by their final state. */
  ends: Record<string, number>
  /** The number of transitions from one state to another. */
  arrows: Record<string, number>
  /** The number of operations whose outcome was announced as unknown. */
  longUnknown: number
}

/** The transitions that need no person. */
const ARROWS = [
  'accepted > sending',
  'accepted > applied',
  'accepted > rejected',
  'sending > applied',
  'sending > rejected',
  'sending > unknown',
  'sending > accepted',
  'unknown > applied',
  'unknown > sending',
  'unknown > not_applied',
  'unknown > conflict',
]

/** Runs seeds, each on a fresh store. Returns every broken rule with the command that reproduces it. */
export async function campaign(
  firstSeed: number,
  schedules: number,
  open: () => Store | Promise<Store>,
): Promise<{ faults: string[]; tally: Tally }> {
  const faults: string[] = []
  const arrows = Object.fromEntries(ARROWS.map((arrow) => [arrow, 0]))
  const tally: Tally = { schedules, steps: 0, ends: {}, arrows, longUnknown: 0 }
  for (let seed = firstSeed; seed < firstSeed + schedules; seed++) {
    const outcome = await runSchedule(seed, await open())
    const again = `SEED=${seed} SCHEDULES=1 npm test -- test/simulation`
    for (const fault of new Set(faultsOf(outcome))) faults.push(`${fault} (${again})`)
    enter(outcome, tally)
  }
  return { faults, tally }
}

function enter({ steps, ledger }: Outcome, tally: Tally) {
  tally.steps += steps
  for (const { state, operationId } of ledger.operations()) {
    tally.ends[state] = (tally.ends[state] ?? 0) + 1
    if (ledger.announced(operationId).includes('unknown')) tally.longUnknown++
  }
  for (const arrow of ledger.arrows) tally.arrows[arrow] = (tally.arrows[arrow] ?? 0) + 1
}

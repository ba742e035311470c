import type { Creation } from '../shared/creation/creation.ts'
import type { Ports } from '../shared/creation/ports.ts'
import { reconcile } from '../shared/creation/reconcile.ts'
import { type Log, logDefect } from '../shared/log.ts'

/** Bounds one tick's calls: what is left over stays due, and comes first the next time. */
const MOST_PER_TICK = 100
/** A Worker may hold six connections. */
const AT_ONCE = 6
const TICK_MS = 50_000
/** One creation's share. */
const STEP_MS = 25_000

/** What the minute's timer does, until the deadline: moves the creations that are due. Two at once do no harm. */
export async function tick(ports: Ports, log: Log, deadline: number): Promise<void> {
  const { store, clock } = ports
  const startedAt = clock.now()
  const end = Math.min(deadline, startedAt + TICK_MS)
  const due = await store.due(startedAt, MOST_PER_TICK)
  const queue = [...due]

  async function takeTurns() {
    for (let creation = queue.shift(); creation; creation = queue.shift()) {
      if (clock.now() >= end) return
      await step(creation, Math.min(end, clock.now() + STEP_MS))
    }
  }

  async function step(creation: Creation, deadline: number) {
    try {
      await reconcile(creation, ports, { actor: 'tick', deadline, log })
    } catch (error) {
      // One that cannot be stored now keeps no other from its turn.
      logDefect(error, log)
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, takeTurns))
  log({ event: 'tick', due: due.length, milliseconds: clock.now() - startedAt })
}

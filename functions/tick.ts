import type { Creation } from '../shared/creation/creation.ts'
import { deliver, type Teller } from '../shared/creation/deliver.ts'
import type { Ports } from '../shared/creation/ports.ts'
import { reconcile } from '../shared/creation/reconcile.ts'
import { claimRun, type Schedules, startRuns } from '../shared/creation/run-jobs.ts'
import type { Job } from '../shared/jobs.ts'
import { logDefect } from '../shared/log.ts'
import type { Work } from '../shared/work.ts'

/** The maximum number of creations that one tick moves. The rest stays due and comes first in the next tick. */
const MAX_PER_TICK = 100
/** The maximum number of creations that move at once: a Worker may have 6 connections open. */
const MAX_AT_ONCE = 6
const TICK_LIMIT_MS = 50_000
/** The time limit for starting the runs of jobs, whose names may have to be looked up one after the other. */
const START_LIMIT_MS = 15_000
/** The time limit for one creation. */
const STEP_LIMIT_MS = 25_000

/**
 * Does the work of the minute's timer until the deadline: starts due runs of jobs, moves due creations and delivers
 * notices. Two ticks at once do no harm.
 */
export async function tick(
  schedules: Schedules,
  tellers: Record<string, Teller>,
  ports: Ports,
  { deadline, ...given }: Work,
): Promise<void> {
  const { store, clock } = ports
  const startedAt = clock.now()
  const work = { ...given, deadline: Math.min(deadline, startedAt + TICK_LIMIT_MS) }

  async function move(queue: Creation[]) {
    async function takeTurns() {
      for (let creation = queue.shift(); creation; creation = queue.shift()) {
        if (clock.now() >= work.deadline) return
        await step(creation, ports, work)
      }
    }
    await Promise.all(Array.from({ length: MAX_AT_ONCE }, takeTurns))
  }

  async function moveDue() {
    const started = await starting.catch(() => [])
    const due = await store.due(startedAt, MAX_PER_TICK)
    await move([...started, ...due])
    return { started: started.length, due: due.length }
  }

  const startBy = Math.min(work.deadline, startedAt + START_LIMIT_MS)
  const starting = startRuns(schedules, ports, { ...work, deadline: startBy })
  const moving = moveDue()
  // Notices do not wait for a slow gateway. Those that this tick produces are delivered in it, too.
  const delivering = deliver(tellers, ports, work, moving)
  // If one of the three fails, the others still finish.
  await Promise.allSettled([starting, moving, delivering])
  await Promise.all([starting, delivering])
  work.log({ event: 'tick', ...(await moving), milliseconds: clock.now() - startedAt })
}

/** Runs one job at the scheduled time that a platform gives. */
export async function run(
  job: Job,
  at: number,
  { regionCode }: Schedules,
  ports: Ports,
  work: Work,
): Promise<void> {
  const creation = await claimRun(job, at, regionCode, ports, work)
  if (creation) await step(creation, ports, work)
}

/** Moves one creation. If it cannot be stored now, a later tick continues with it, and others are not delayed. */
async function step(creation: Creation, ports: Ports, work: Work): Promise<void> {
  const deadline = Math.min(work.deadline, ports.clock.now() + STEP_LIMIT_MS)
  try {
    await reconcile(creation, ports, { ...work, deadline })
  } catch (error) {
    logDefect(error, work.log)
  }
}

import type { Creation } from '../shared/creation/creation.ts'
import { deliver, type Teller } from '../shared/creation/deliver.ts'
import type { Ports } from '../shared/creation/ports.ts'
import { reconcile } from '../shared/creation/reconcile.ts'
import { claimRun, type Schedules, startRuns } from '../shared/creation/run-jobs.ts'
import type { Job } from '../shared/jobs.ts'
import { logDefect } from '../shared/log.ts'
import type { Work } from '../shared/work.ts'

/** Bounds one tick's calls: what is left over stays due, and comes first the next time. */
const MOST_PER_TICK = 100
/** A Worker may hold six connections. */
const AT_ONCE = 6
const TICK_MS = 50_000
/** What starting the runs of jobs may take, whose names may have to be looked up one after the other. */
const START_MS = 15_000
/** One creation's share. */
const STEP_MS = 25_000

/**
 * What the minute's timer does, until the deadline: starts the runs of jobs that are due, moves the creations that are, and
 * tells people what they are to be told. Two at once do no harm.
 */
export async function tick(
  schedules: Schedules,
  tellers: Record<string, Teller>,
  ports: Ports,
  { deadline, ...given }: Work,
): Promise<void> {
  const { store, clock } = ports
  const startedAt = clock.now()
  const work = { ...given, deadline: Math.min(deadline, startedAt + TICK_MS) }

  async function move(queue: Creation[]) {
    async function takeTurns() {
      for (let creation = queue.shift(); creation; creation = queue.shift()) {
        if (clock.now() >= work.deadline) return
        await step(creation, ports, work)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, takeTurns))
  }

  async function moveDue() {
    const started = await starting.catch(() => [])
    const due = await store.due(startedAt, MOST_PER_TICK)
    await move([...started, ...due])
    return { started: started.length, due: due.length }
  }

  const startBy = Math.min(work.deadline, startedAt + START_MS)
  const starting = startRuns(schedules, ports, { ...work, deadline: startBy })
  const moving = moveDue()
  // What is to be told does not wait for a gateway that is slow; what comes of this tick is told in it.
  const telling = deliver(tellers, ports, work, moving)
  // Where one of the three fails the others do their work all the same.
  await Promise.allSettled([starting, moving, telling])
  await Promise.all([starting, telling])
  work.log({ event: 'tick', ...(await moving), milliseconds: clock.now() - startedAt })
}

/** Runs one job, of a time that its platform says. */
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

/** Moves one creation. One that cannot be stored now keeps no other from its turn: a later tick goes on with it. */
async function step(creation: Creation, ports: Ports, work: Work): Promise<void> {
  const deadline = Math.min(work.deadline, ports.clock.now() + STEP_MS)
  try {
    await reconcile(creation, ports, { ...work, deadline })
  } catch (error) {
    logDefect(error, work.log)
  }
}

import type { Context } from '../shared/context.ts'
import type { Job } from '../shared/jobs/job.ts'
import { claimRun, type Schedules, startRuns } from '../shared/jobs/runs.ts'
import { toProblem } from '../shared/log.ts'
import type { Operation } from '../shared/operations/operation.ts'
import { reconcile } from '../shared/operations/reconcile.ts'
import { deliver, type Notifier } from '../shared/outbox/deliver.ts'

/** The maximum number of operations that one tick moves. The rest stays due and comes first in the next tick. */
const MAX_PER_TICK = 100
/** The maximum number of operations that move at once: a Worker may have 6 connections open. */
const MAX_AT_ONCE = 6
const TICK_LIMIT_MS = 50_000
/** The time limit for starting the runs of jobs, whose names may have to be looked up one after the other. */
const START_LIMIT_MS = 15_000
/** The time limit for one operation. */
const STEP_LIMIT_MS = 25_000
/** Nobody waits for the timer, so its reads may use all the time that is left. */
const NO_READ_LIMIT = Number.POSITIVE_INFINITY

/**
 * Does the work of the minute's timer until the deadline: starts due runs of jobs, moves due operations and delivers
 * notices. Two ticks at once do no harm.
 */
export async function tick(
  schedules: Schedules,
  notifiers: Record<string, Notifier>,
  given: Context,
): Promise<void> {
  const { store, clock } = given
  const startedAt = clock.now()
  const context = {
    ...given,
    deadline: Math.min(given.deadline, startedAt + TICK_LIMIT_MS),
    readLimitMs: NO_READ_LIMIT,
  }

  async function move(queue: Operation[]) {
    async function takeTurns() {
      for (let operation = queue.shift(); operation; operation = queue.shift()) {
        if (clock.now() >= context.deadline) return
        await step(operation, context)
      }
    }
    await Promise.all(Array.from({ length: MAX_AT_ONCE }, takeTurns))
  }

  async function moveDue() {
    const started = await starting.catch(() => [])
    const due = await store.due('operation', { now: startedAt, limit: MAX_PER_TICK })
    await move([...started, ...due])
    return { started: started.length, due: due.length }
  }

  const startBy = Math.min(context.deadline, startedAt + START_LIMIT_MS)
  const starting = startRuns(schedules, { ...context, deadline: startBy })
  const moving = moveDue()
  // Notices do not wait for a slow gateway. Those that this tick produces are delivered in it, too.
  const delivering = deliver(notifiers, moving, context)
  // If one of the three fails, the others still finish.
  await Promise.allSettled([starting, moving, delivering])
  await Promise.all([starting, delivering])
  context.log({ event: 'tick', ...(await moving), milliseconds: clock.now() - startedAt })
}

/** Runs one job at the scheduled time that a platform gives. */
export async function run(
  job: Job,
  at: number,
  { regionCode }: Schedules,
  context: Context,
): Promise<void> {
  const unhurried = { ...context, readLimitMs: NO_READ_LIMIT }
  const operation = await claimRun(job, at, regionCode, unhurried)
  if (operation) await step(operation, unhurried)
}

/** Moves one operation. If it cannot be stored now, a later tick continues with it, and others are not delayed. */
async function step(operation: Operation, context: Context): Promise<void> {
  const deadline = Math.min(context.deadline, context.clock.now() + STEP_LIMIT_MS)
  try {
    await reconcile(operation, { ...context, deadline })
  } catch (error) {
    toProblem(error, context.log)
  }
}

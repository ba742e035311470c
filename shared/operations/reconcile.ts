import type { Context } from '../context.ts'
import { logWith, toProblem } from '../log.ts'
import { mustBeAbout } from '../ncloud/identity.ts'
import type { Problem } from '../problem.ts'
import { SECOND_MS } from '../web/durations.ts'
import { decide, type Evidence } from './decide.ts'
import { readAgain } from './follow.ts'
import { kindOf } from './kinds.ts'
import type { Operation } from './operation.ts'
import { save } from './save.ts'
import { startAttempt } from './transitions.ts'

/** The minimum time that must be left to send a request. */
const MIN_SEND_MS = 5 * SECOND_MS
/** The time limit of a request. */
const MAX_SEND_MS = 25 * SECOND_MS

/**
 * Performs the next steps of an operation: decides, gathers evidence or saves, and decides again. Any number of processes
 * may do this at once, and each may stop at any point. Every write expects the version that was read, and a process whose
 * write comes too late does nothing more.
 */
export async function reconcile(operation: Operation, given: Context): Promise<Operation> {
  const context = { ...given, log: logWith({ operationId: operation.operationId }, given.log) }
  let current = operation
  let evidence: Evidence | undefined
  let mayRenew = true
  for (;;) {
    const decision = decide(current, evidence, { mayRenew }, context)
    switch (decision.do) {
      case 'nothing':
        return current
      case 'prepare':
      case 'find':
      case 'read':
        evidence = await gather(decision.do, current, context)
        break
      case 'check refusal':
        evidence = await checkRefusal(decision.problem, current, context)
        break
      case 'send': {
        const sent = await send(decision.operation, context)
        if (!sent) return current
        if (!sent.evidence) return sent.operation
        current = sent.operation
        evidence = sent.evidence
        break
      }
      case 'save': {
        const { operation: saved, isOurs } = await save(current, decision.next, context)
        // If another write came first, the process that made it continues.
        if (decision.after === 'stop' || !isOurs) return saved
        if (decision.after === 'renew') {
          await context.gateway.renew()
          mayRenew = false
        }
        current = saved
        evidence = undefined
      }
    }
  }
}

/** Gathers evidence from the gateway. A failure is evidence, too. */
async function gather(
  what: 'prepare' | 'find' | 'read',
  operation: Operation,
  context: Context,
): Promise<Evidence> {
  if (what === 'read') return { of: 'result', result: await readAgain(operation, context) }
  const kind = kindOf(operation)
  try {
    return what === 'prepare'
      ? { of: 'preparation', preparation: await kind.prepare(operation, context) }
      : { of: 'look-up', findings: await kind.find(operation, context) }
  } catch (error) {
    return { of: 'failed look-up', problem: toProblem(error, context.log) }
  }
}

/** Looks for results after a refused attempt. */
async function checkRefusal(
  problem: Problem,
  operation: Operation,
  context: Context,
): Promise<Evidence> {
  const found = await gather('find', operation, context)
  const findings = found.of === 'look-up' ? found.findings : undefined
  return { of: 'refused attempt', problem, findings }
}

/**
 * Makes one attempt: sign, store, send. The request is signed before the attempt is stored, and sent at most once. Returns
 * the stored attempt and its result; without a result another process was first; `undefined` without time to send.
 */
async function send(
  operation: Operation,
  context: Context,
): Promise<{ operation: Operation; evidence?: Evidence } | undefined> {
  const { clock } = context
  const timeLeft = () => Math.min(MAX_SEND_MS, context.deadline - clock.now())
  if (timeLeft() < MIN_SEND_MS) return undefined
  const prepared = await gather('prepare', operation, context)
  if (prepared.of !== 'preparation' || !prepared.preparation.ready) {
    return { operation, evidence: prepared }
  }
  const signed = await prepared.preparation.sign()
  const next = startAttempt(operation, signed.signedAt, context)
  const { operation: stored, isOurs } = await save(operation, next, context)
  if (!isOurs) return { operation: stored }
  // The process may have been frozen; it is too late to send safely.
  if (timeLeft() < MIN_SEND_MS) return { operation: stored, evidence: { of: 'unsent attempt' } }
  try {
    const result = mustBeAbout(await signed.send(timeLeft()), { name: operation.name })
    return { operation: stored, evidence: { of: 'attempt', result } }
  } catch (error) {
    const problem = toProblem(error, context.log)
    return { operation: stored, evidence: { of: 'failed attempt', problem } }
  }
}

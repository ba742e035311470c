import type { Context } from '../context.ts'
import { isFinal } from '../image.ts'
import { toProblem } from '../log.ts'
import { mustBeAbout } from '../ncloud/identity.ts'
import { MINUTE_MS, SECOND_MS } from '../web/durations.ts'
import { kindOf } from './kinds.ts'
import { hadResultAt, type Operation } from './operation.ts'
import { numberOf, type Result } from './result.ts'
import { save } from './save.ts'
import { updateResult } from './transitions.ts'

/** The age up to which a result that is missing from answers does not count as gone. */
const APPEARS_WITHIN_MS = 15 * MINUTE_MS
const FRESH_MS = 5 * SECOND_MS

/**
 * Reads the result of an operation; `undefined` if it cannot be read, also because the answer is about another one. A result
 * without a row for too long is gone.
 */
export async function readAgain(
  operation: Operation,
  context: Context,
): Promise<Result | undefined> {
  const { result } = operation
  if (!result) return undefined
  try {
    const read = await kindOf(operation).read(operation, numberOf(result), context)
    return mustBeAbout(read, { name: operation.name })
  } catch (error) {
    const { code, extras } = toProblem(error, context.log)
    // Compared by the gateway's clock, because the clocks of two relays may differ by more than the result's age.
    const { createdAt } = result
    const madeAt = createdAt === null ? hadResultAt(operation) : Date.parse(createdAt)
    const isGone = (extras.gatewayTime ?? 0) >= madeAt + APPEARS_WITHIN_MS
    return code === 'image-not-found' && isGone ? { ...result, phase: 'gone' } : undefined
  }
}

/** Reads the result of an operation again, and stores it. A failed read does not change the operation. */
export async function refreshResult(operation: Operation, context: Context): Promise<Operation> {
  const result = await readAgain(operation, context)
  if (!result) return operation
  return (await save(operation, updateResult(operation, result, context), context)).operation
}

/** Returns the operation for a reader. Reads its result again unless that is final or was read in the last 5 s. */
export async function refreshIfStale(operation: Operation, context: Context): Promise<Operation> {
  const { result, resultReadAt } = operation
  if (!result || isFinal(result.phase)) return operation
  const isFresh = context.clock.now() < (resultReadAt ?? 0) + FRESH_MS
  return isFresh ? operation : refreshResult(operation, context)
}

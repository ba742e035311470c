import type { Context } from '../context.ts'
import { asFarAsStored, claimOperation } from './claim.ts'
import { isDue, type Operation } from './operation.ts'
import { reconcile } from './reconcile.ts'
import { newClaim, type OperationRequest } from './request.ts'

/**
 * Makes a change exactly once: claims its key and everything that it holds, then reconciles the operation. A repeated
 * request returns the same operation. A request from a chat is only claimed, and left to the next tick.
 *
 * @throws Problem `forbidden`, `idempotency-key-reused`, `name-taken` or `quota-exceeded`
 */
export async function startOperation<Input>(
  request: OperationRequest<Input>,
  context: Context,
): Promise<{ operation: Operation; isReplay: boolean }> {
  const { caller, replyTo } = request
  const claim = await newClaim(request, context)
  if (replyTo) return claimOperation(claim, { caller, leaseMs: 0 }, context)
  const { operation, isReplay } = await claimOperation(claim, { caller }, context)
  // The first request may still be running, so a repeat continues only an operation that is due.
  if (isReplay && !isDue(operation, context.clock.now())) return { operation, isReplay }
  return { operation: await asFarAsStored(reconcile, operation, context), isReplay }
}

import type { Operation } from '../operations/operation.ts'
import type { OperationRequest } from '../operations/request.ts'
import { startOperation } from '../operations/start.ts'
import type { RequestContext } from './request-context.ts'
import { UPSTREAM_PROBLEMS } from './row.ts'

/** An operation that was started, or found because the request is a repeat. */
export interface StartedOperation {
  operation: Operation
  isReplay: boolean
}

/** The problems of everything that starts an operation. */
export const START_PROBLEMS = [
  'name-taken',
  'invalid-input',
  'idempotency-key-reused',
  'quota-exceeded',
  ...UPSTREAM_PROBLEMS,
] as const

/** Starts an operation for the caller, with the preferences of the request. */
export function startFor<Input>(
  request: Omit<OperationRequest<Input>, 'caller' | 'key' | 'replyTo'>,
  context: RequestContext,
): Promise<StartedOperation> {
  const { caller, key, replyTo } = context
  return startOperation({ ...request, caller, key, replyTo }, context)
}

import { mayRead, type Operation } from '../operations/operation.ts'
import { Problem } from '../problem.ts'
import type { RequestContext } from './request-context.ts'

/** Returns an operation that the caller may read. @throws Problem `operation-not-found` */
export async function readOperation(id: string, context: RequestContext): Promise<Operation> {
  const stored = await context.store.get('operation', id)
  if (!stored || !mayRead(stored, context.caller)) {
    throw new Problem(
      'operation-not-found',
      'There is no operation with this id that this API key may read',
    )
  }
  return stored
}

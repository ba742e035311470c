import type { Context } from '../context.ts'
import { withNotices } from './announce.ts'
import type { Operation } from './operation.ts'

/** Stores the next version and logs its state. If another write came first, returns the version of that write. */
export async function save(next: Operation, context: Context): Promise<Operation> {
  const { operation, isWritten } = await write(next, context)
  if (isWritten) logTransition(operation, context)
  return operation
}

/** Stores the next version without a log line. If another write came first, returns the version of that write. */
export async function put(next: Operation, context: Context): Promise<Operation> {
  return (await write(next, context)).operation
}

/** Stores a version together with the notices that announce it. */
async function write(operation: Operation, { store, clock, targets }: Context) {
  const { next, notices } = withNotices(operation, targets, clock.now())
  const isWritten = await store.replace(next, notices)
  return { isWritten, operation: isWritten ? next : ((await store.read(next.operationId)) ?? next) }
}

/** Logs the state of an operation. */
export function logTransition(operation: Operation, { log }: Context) {
  const { operationId, state, attempt, problem, image } = operation
  log({
    event: 'transition',
    operationId,
    ...(image && { imageNo: image.imageNo }),
    state,
    attempt,
    ...(problem && { code: problem.code }),
  })
}

import type { Context } from '../context.ts'
import { noticeRecord } from '../outbox/notice.ts'
import { withNotices } from './announce.ts'
import type { Operation } from './operation.ts'

/**
 * Stores the next version of an operation together with the notices that announce it, and logs a change of state. If
 * another write came first, returns the version of that write.
 */
export async function save(
  before: Operation,
  next: Operation,
  { store, clock, targets, log }: Pick<Context, 'store' | 'clock' | 'targets' | 'log'>,
): Promise<Operation> {
  const announced = withNotices(next, targets, clock.now())
  const isFirst = await store.commit([
    { type: 'operation', record: announced.next },
    ...announced.notices.map(noticeRecord),
  ])
  if (!isFirst) return (await store.get('operation', next.operationId)) ?? next
  if (next.state !== before.state) logTransition(next, { log })
  return announced.next
}

/** Logs the state of an operation. */
export function logTransition(operation: Operation, { log }: Pick<Context, 'log'>) {
  const { operationId, state, attempt, problem, result } = operation
  log({
    event: 'transition',
    operationId,
    ...(result && { imageNo: result.imageNo }),
    state,
    attempt,
    ...(problem && { code: problem.code }),
  })
}

import type { Context } from '../context.ts'
import { noticeRecord } from '../outbox/notice.ts'
import { withNotices } from './announce.ts'
import type { Operation } from './operation.ts'

/**
 * Stores the next version of an operation together with the notices that announce it, and logs a change of state. If
 * another write came first, `isOurs` is false and the operation is the version of that write.
 */
export async function save(
  before: Operation,
  next: Operation,
  { store, clock, targets, log }: Pick<Context, 'store' | 'clock' | 'targets' | 'log'>,
): Promise<{ operation: Operation; isOurs: boolean }> {
  const announced = withNotices(next, targets, clock.now())
  const isFirst = await store.commit([
    { type: 'operation', record: announced.next },
    ...announced.notices.map(noticeRecord),
  ])
  if (!isFirst) {
    const stored = await store.get('operation', next.operationId)
    if (!stored) throw new Error('The operation is not in the store')
    return { operation: stored, isOurs: false }
  }
  if (next.state !== before.state) logTransition(next, { log })
  return { operation: announced.next, isOurs: true }
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

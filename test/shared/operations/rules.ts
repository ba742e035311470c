import type { Operation } from '../../../shared/operations/operation.ts'
import type { State, Status } from '../../../shared/operations/state.ts'

// Section 4 of the contract, written independently of the code, so that tests can compare both.

/** The allowed transitions. Postponing an accepted operation or refreshing a result changes no state. */
export const ARROWS: Record<State, State[]> = {
  accepted: ['sending', 'applied', 'rejected'],
  sending: ['applied', 'rejected', 'unknown', 'accepted'],
  unknown: ['applied', 'sending', 'not_applied', 'conflict'],
  conflict: ['applied', 'not_applied'],
  applied: [],
  rejected: [],
  not_applied: [],
}

/** Returns the status of an operation: its state, or the final phase of its result, or `pending`. */
export function statusIn({ state, result }: Operation): Status {
  if (state !== 'applied') return state
  const phase = result?.phase
  return phase === 'ready' || phase === 'failed' || phase === 'gone' ? phase : 'pending'
}

/** True if an operation holds its name. */
export function holdsName({ state, result }: Operation): boolean {
  if (state === 'rejected' || state === 'not_applied') return false
  return !(state === 'applied' && (result?.phase === 'failed' || result?.phase === 'gone'))
}

/** True if an operation holds its key. */
export function holdsItsKey(operation: Operation): boolean {
  return operation.keyIsExplicit || holdsName(operation)
}

/** Returns what an operation holds: its key, and while it is live the name of its image. */
export function heldBy(operation: Operation): string[] {
  return [
    ...(holdsItsKey(operation) ? [`key ${operation.keyHash}`] : []),
    ...(holdsName(operation) ? operation.holds : []),
  ]
}

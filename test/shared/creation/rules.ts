import type { Creation } from '../../../shared/creation/creation.ts'
import type { State } from '../../../shared/creation/state.ts'

// Section 4 of the contract, written independently of the code, so that tests can compare both.

/** The allowed transitions. Postponing an accepted creation or refreshing an image changes no state. */
export const ARROWS: Record<State, State[]> = {
  accepted: ['sending', 'created', 'rejected'],
  sending: ['created', 'rejected', 'unknown', 'accepted'],
  unknown: ['created', 'sending', 'not_created', 'conflict'],
  conflict: ['created', 'not_created'],
  created: [],
  rejected: [],
  not_created: [],
}

/** True if a creation holds its name. */
export function holdsName({ state, image }: Creation): boolean {
  if (state === 'rejected' || state === 'not_created') return false
  return !(state === 'created' && (image?.phase === 'failed' || image?.phase === 'gone'))
}

/** True if a creation holds its key. */
export function holdsItsKey(creation: Creation): boolean {
  return creation.keyIsExplicit || holdsName(creation)
}

import type { Creation } from '../../../shared/creation/creation.ts'
import type { State } from '../../../shared/creation/state.ts'

// The contract, section 4, written down a second time: what the code is held against.

/** Which state may lead to which. That `accepted` is put off again, or an image looked at, changes none. */
export const ARROWS: Record<State, State[]> = {
  accepted: ['sending', 'created', 'rejected'],
  sending: ['created', 'rejected', 'unknown', 'accepted'],
  unknown: ['created', 'sending', 'not_created', 'conflict'],
  conflict: ['created', 'not_created'],
  created: [],
  rejected: [],
  not_created: [],
}

/** Whether a creation holds its name. */
export function holdsName({ state, image }: Creation): boolean {
  if (state === 'rejected' || state === 'not_created') return false
  return !(state === 'created' && (image?.phase === 'failed' || image?.phase === 'gone'))
}

/** Whether a creation holds its key. */
export function holdsItsKey(creation: Creation): boolean {
  return creation.keyIsExplicit || holdsName(creation)
}

import type { Phase } from '../image.ts'

/** The states of a creation, each with the states that may follow it. A final state has none. */
export const TRANSITIONS = {
  accepted: ['sending', 'created', 'rejected'],
  sending: ['created', 'rejected', 'unknown', 'accepted'],
  unknown: ['created', 'sending', 'not_created', 'conflict'],
  conflict: ['created', 'not_created'],
  created: [],
  rejected: [],
  not_created: [],
} as const satisfies Record<string, readonly string[]>

/** The state of a creation. */
export type State = keyof typeof TRANSITIONS

/** All states of a creation. */
export const STATES = Object.keys(TRANSITIONS) as State[]

/** The status of a creation in one word: the phase of its image, or its state if it has no image. */
export type Status = Phase | Exclude<State, 'created'>

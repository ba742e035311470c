import type { Phase } from '../image.ts'

/** The states of a creation, and the states that each may change to. Final ones change no more. */
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

/** A creation in one word: the phase of its image, or without an image its state. */
export type Status = Phase | Exclude<State, 'created'>

/** The states of an operation's record, each with the states that may follow it. A final state has none. */
export const TRANSITIONS = {
  accepted: ['sending', 'applied', 'rejected'],
  sending: ['applied', 'rejected', 'unknown', 'accepted'],
  unknown: ['applied', 'sending', 'not_applied', 'conflict'],
  conflict: ['applied', 'not_applied'],
  applied: [],
  rejected: [],
  not_applied: [],
} as const satisfies Record<string, readonly string[]>

/** The state of an operation's record. */
export type State = keyof typeof TRANSITIONS

/** The statuses of an operation as callers see it: its state, or once it is applied, how far NAVER Cloud is. */
export const STATUSES = [
  'accepted',
  'sending',
  'unknown',
  'pending',
  'ready',
  'failed',
  'gone',
  'rejected',
  'not_applied',
  'conflict',
] as const

/** The status of an operation as callers see it. */
export type Status = (typeof STATUSES)[number]

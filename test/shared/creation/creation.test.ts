import { describe, expect, test } from 'vitest'
import {
  accepted,
  type Creation,
  created,
  holdsKey,
  isLive,
  isSettled,
  postponed,
  rejected,
  STATES,
  type State,
  seen,
  sending,
  unknown,
} from '../../../shared/creation/creation.ts'
import { claim, image } from './records.ts'

const problem = { code: 'upstream-timeout' as const, detail: 'x' }
const begun = accepted(claim({ keyIsExplicit: false }), 1_000)

const steps: Record<string, (from: Creation) => Creation> = {
  sending: (from) => sending(from, 2_000, 2_001),
  created: (from) => created(from, image('ready'), 2_001),
  rejected: (from) => rejected(from, problem, 2_001),
  unknown: (from) => unknown(from, problem, 9_000, 2_001),
  accepted: (from) => postponed(from, problem, 9_000, 2_001),
}

// The arrows of the contract, section 4; `accepted` to itself is a wait that is made longer.
const arrows: Record<State, string[]> = {
  accepted: ['sending', 'created', 'rejected', 'accepted'],
  sending: ['created', 'rejected', 'unknown', 'accepted'],
  unknown: ['created', 'sending'],
  conflict: ['created'],
  created: [],
  rejected: [],
  not_created: [],
}

describe.each(STATES)('from %s', (state) => {
  test.each(Object.keys(steps))('to %s', (to) => {
    const from = { ...begun, state }
    const step = () => steps[to]?.(from)
    if (arrows[state].includes(to)) expect(step()).toMatchObject({ state: to, version: 2 })
    else expect(step).toThrow('A creation went against its arrows')
  })
})

test('an attempt is counted and keeps its timestamp', () => {
  expect(sending(begun, 2_000, 2_001)).toMatchObject({ attempt: 1, signedAt: 2_000 })
})

test('the history tells each step, when, and why', () => {
  const first = sending(begun, 2_000, 2_001)
  const last = created(unknown(first, problem, 9_000, 3_000), image('pending'), 4_000, 'adopted')
  expect(last.history).toEqual([
    { at: 1_000, to: 'accepted' },
    { at: 2_001, to: 'sending' },
    { at: 3_000, to: 'unknown', code: 'upstream-timeout' },
    { at: 4_000, to: 'created', code: 'adopted' },
  ])
  expect(last.problem).toBeNull()
})

test('a look at the image is no step; only another phase is news', () => {
  const made = created(sending(begun, 2_000, 2_001), image('pending'), 3_000)
  expect(seen(made, image('pending'), 5_000)).toMatchObject({
    updatedAt: 3_000,
    imageReadAt: 5_000,
  })
  expect(seen(made, image('ready'), 5_000)).toMatchObject({
    updatedAt: 5_000,
    history: made.history,
  })
})

describe('a name is held', () => {
  test.each<[State, string | null, boolean, boolean]>([
    ['accepted', null, true, false],
    ['sending', null, true, false],
    ['unknown', null, true, false],
    ['conflict', null, true, true],
    ['created', 'pending', true, false],
    ['created', 'ready', true, true],
    ['created', 'unknown', true, false],
    ['created', 'deleting', true, false],
    ['created', 'failed', false, true],
    ['created', 'gone', false, true],
    ['rejected', null, false, true],
    ['not_created', null, false, true],
  ])('%s with an image that is %s: %j, settled: %j', (state, phase, live, settled) => {
    const creation = { ...begun, state, image: phase === null ? null : image(phase) }
    expect([isLive(creation), isSettled(creation)]).toEqual([live, settled])
    expect(holdsKey(creation)).toBe(live)
    expect(holdsKey({ ...creation, keyIsExplicit: true })).toBe(true)
  })
})

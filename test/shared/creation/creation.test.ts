import { describe, expect, test } from 'vitest'
import {
  accepted,
  type Creation,
  created,
  holdsKey,
  inConflict,
  isAttemptOver,
  isLive,
  isSettled,
  notCreated,
  postponed,
  rejected,
  sending,
  unknown,
  withImage,
} from '../../../shared/creation/creation.ts'
import { STATES, type State } from '../../../shared/creation/state.ts'
import { by, claim, image } from './records.ts'
import { ARROWS } from './rules.ts'

const problem = { code: 'upstream-timeout' as const, detail: 'x' }
const begun = accepted(claim({ keyIsExplicit: false }), by(1_000))

const steps: Record<string, (from: Creation) => Creation> = {
  sending: (from) => sending(from, 2_000, by(2_001)),
  created: (from) => created(from, image('ready'), by(2_001)),
  rejected: (from) => rejected(from, problem, by(2_001)),
  unknown: (from) => unknown(from, problem, by(2_001)),
  accepted: (from) => postponed(from, problem, 9_000, by(2_001)),
  not_created: (from) => notCreated(from, 'absent', by(2_001)),
  conflict: (from) => inConflict(from, by(2_001)),
}

// `accepted` to `accepted` postpones the creation again.
const arrows = { ...ARROWS, accepted: [...ARROWS.accepted, 'accepted'] }

describe.each(STATES)('from %s', (state) => {
  test.each(Object.keys(steps))('to %s', (to) => {
    const from = { ...begun, state }
    const step = () => steps[to]?.(from)
    if (arrows[state].includes(to as State)) expect(step()).toMatchObject({ state: to, version: 2 })
    else expect(step).toThrow('The transition is not allowed')
  })
})

test('counts an attempt and keeps the timestamp of its signature', () => {
  expect(sending(begun, 2_000, by(2_001))).toMatchObject({ attempt: 1, signedAt: 2_000 })
})

test('records each step with time, actor and reason in the history', () => {
  const first = sending(begun, 2_000, by(2_001))
  const tick = by(4_000, 'tick')
  const last = created(unknown(first, problem, by(3_000)), image('pending'), tick, 'adopted')
  expect(last.history).toEqual([
    { at: 1_000, actor: 'key:ci', to: 'accepted' },
    { at: 2_001, actor: 'key:ci', to: 'sending' },
    { at: 3_000, actor: 'key:ci', to: 'unknown', reason: 'upstream-timeout' },
    { at: 4_000, actor: 'tick', to: 'created', reason: 'adopted' },
  ])
  expect(last.problem).toBeNull()
})

test('a creation is due 30 s after its claim and after an attempt, and never if it is settled', () => {
  expect(begun.dueAt).toBe(31_000)
  const sent = sending(begun, 2_000, by(2_001))
  expect(sent.dueAt).toBe(32_001)
  const lost = unknown(sent, problem, by(20_000))
  expect(lost.dueAt).toBe(32_001)
  expect(postponed(sent, problem, 9_000, by(2_002)).dueAt).toBe(9_000)
  expect(created(sent, image('pending'), by(10_000)).dueAt).toBe(15_000)
  const settled = [
    created(sent, image('ready'), by(10_000)),
    rejected(sent, problem, by(10_000)),
    notCreated(lost, 'absent', by(10_000)),
    inConflict(lost, by(10_000)),
  ]
  expect(settled.map(({ dueAt }) => dueAt)).toEqual([null, null, null, null])
})

// By the contract, section 6: for 24 h, at intervals that grow from 5 s to 5 min.
test.each([
  [0, 5_000],
  [10_000, 5_000],
  [40_000, 20_000],
  [40_001, 20_001],
  [599_000, 299_500],
  [3_600_000, 300_000],
  [86_399_999, 300_000],
  [86_400_000, null],
])('an image that is %i ms old is refreshed again after %j ms', (age, gap) => {
  const made = created(sending(begun, 2_000, by(2_001)), image('pending'), by(10_000))
  const now = 10_000 + age
  const dueAt = gap === null ? null : now + gap
  expect(withImage(made, image('pending'), now).dueAt).toBe(dueAt)
  expect(withImage(made, image('ready'), now).dueAt).toBeNull()
})

// By the contract, section 5: 300 s for the gateway's window, 30 s for its clock, 300 s until an image is listed.
test('an attempt is over more than 630 s after its signature', () => {
  const sent = sending(begun, 2_000, by(9_999_999))
  expect([isAttemptOver(sent, 632_000), isAttemptOver(sent, 632_001)]).toEqual([false, true])
})

test('refreshing the image is not a step, and counts as an update only if the phase changes', () => {
  const made = created(sending(begun, 2_000, by(2_001)), image('pending'), by(3_000))
  expect(withImage(made, image('pending'), 5_000)).toMatchObject({
    updatedAt: 3_000,
    imageReadAt: 5_000,
  })
  expect(withImage(made, image('ready'), 5_000)).toMatchObject({
    updatedAt: 5_000,
    history: made.history,
  })
})

describe('holding a name', () => {
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
  ])('%s with an image that is %s: held: %j, settled: %j', (state, phase, live, settled) => {
    const creation = { ...begun, state, image: phase === null ? null : image(phase) }
    expect([isLive(creation), isSettled(creation)]).toEqual([live, settled])
    expect(holdsKey(creation)).toBe(live)
    expect(holdsKey({ ...creation, keyIsExplicit: true })).toBe(true)
  })
})

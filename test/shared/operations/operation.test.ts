import { describe, expect, test } from 'vitest'
import {
  holdsOf,
  isAttemptOver,
  isLive,
  isSettled,
  type Operation,
} from '../../../shared/operations/operation.ts'
import { type State, TRANSITIONS } from '../../../shared/operations/state.ts'
import {
  accept,
  apply,
  markConflict,
  markNotApplied,
  markUnknown,
  postpone,
  reject,
  startAttempt,
  updateResult,
} from '../../../shared/operations/transitions.ts'
import { by, claim, image } from './records.ts'
import { ARROWS } from './rules.ts'

const problem = { code: 'upstream-timeout' as const, detail: 'x' }
const begun = accept(claim({ keyIsExplicit: false }), by(1_000))

const steps: Record<string, (from: Operation) => Operation> = {
  sending: (from) => startAttempt(from, 2_000, by(2_001)),
  applied: (from) => apply(from, image('ready'), by(2_001)),
  rejected: (from) => reject(from, problem, by(2_001)),
  unknown: (from) => markUnknown(from, problem, by(2_001)),
  accepted: (from) => postpone(from, problem, 9_000, by(2_001)),
  not_applied: (from) => markNotApplied(from, 'absent', by(2_001)),
  conflict: (from) => markConflict(from, ['7'], by(2_001)),
}

// `accepted` to `accepted` postpones the operation again.
const arrows = { ...ARROWS, accepted: [...ARROWS.accepted, 'accepted'] }

describe.each(Object.keys(TRANSITIONS) as State[])('from %s', (state) => {
  test.each(Object.keys(steps))('to %s', (to) => {
    const from = { ...begun, state }
    const step = () => steps[to]?.(from)
    if (arrows[state].includes(to as State)) expect(step()).toMatchObject({ state: to, version: 2 })
    else expect(step).toThrow('The transition is not allowed')
  })
})

test('counts an attempt and keeps the timestamp of its signature', () => {
  expect(startAttempt(begun, 2_000, by(2_001))).toMatchObject({ attempt: 1, signedAt: 2_000 })
})

test('records each status with time, actor and reason in the history', () => {
  const first = startAttempt(begun, 2_000, by(2_001))
  const tick = by(4_000, 'tick')
  const last = apply(markUnknown(first, problem, by(3_000)), image('pending'), tick, 'adopted')
  expect(last.history).toEqual([
    { at: 1_000, actor: 'key:ci', status: 'accepted' },
    { at: 2_001, actor: 'key:ci', status: 'sending' },
    { at: 3_000, actor: 'key:ci', status: 'unknown', reason: 'upstream-timeout' },
    { at: 4_000, actor: 'tick', status: 'pending', reason: 'adopted' },
  ])
  expect(last.problem).toBeNull()
})

test('an operation is due 30 s after its claim and after an attempt, and never if it is settled', () => {
  expect(begun.dueAt).toBe(31_000)
  const sent = startAttempt(begun, 2_000, by(2_001))
  expect(sent.dueAt).toBe(32_001)
  const lost = markUnknown(sent, problem, by(20_000))
  expect(lost.dueAt).toBe(32_001)
  expect(postpone(sent, problem, 9_000, by(2_002)).dueAt).toBe(9_000)
  expect(apply(sent, image('pending'), by(10_000)).dueAt).toBe(15_000)
  const settled = [
    apply(sent, image('ready'), by(10_000)),
    reject(sent, problem, by(10_000)),
    markNotApplied(lost, 'absent', by(10_000)),
    markConflict(lost, ['7'], by(10_000)),
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
  const made = apply(startAttempt(begun, 2_000, by(2_001)), image('pending'), by(10_000))
  const now = 10_000 + age
  const dueAt = gap === null ? null : now + gap
  expect(updateResult(made, image('pending'), by(now)).dueAt).toBe(dueAt)
  expect(updateResult(made, image('ready'), by(now)).dueAt).toBeNull()
})

// By the contract, section 5: 300 s for the gateway's window, 30 s for its clock, 300 s until an image is listed.
test('an attempt is over more than 630 s after its signature', () => {
  const sent = startAttempt(begun, 2_000, by(9_999_999))
  expect([isAttemptOver(sent, 632_000), isAttemptOver(sent, 632_001)]).toEqual([false, true])
})

test('a new phase of the image is an update, and in the history if it changes the status', () => {
  const made = apply(startAttempt(begun, 2_000, by(2_001)), image('pending'), by(3_000))
  expect(updateResult(made, image('pending'), by(5_000))).toMatchObject({
    updatedAt: 3_000,
    resultReadAt: 5_000,
  })
  expect(updateResult(made, image('busy'), by(5_000))).toMatchObject({
    updatedAt: 5_000,
    history: made.history,
  })
  expect(updateResult(made, image('ready'), by(5_000, 'tick'))).toMatchObject({
    updatedAt: 5_000,
    history: [...made.history, { at: 5_000, actor: 'tick', status: 'ready' }],
  })
})

describe('holding a name', () => {
  test.each<[State, string | null, boolean, boolean]>([
    ['accepted', null, true, false],
    ['sending', null, true, false],
    ['unknown', null, true, false],
    ['conflict', null, true, true],
    ['applied', 'pending', true, false],
    ['applied', 'ready', true, true],
    ['applied', 'unknown', true, false],
    ['applied', 'deleting', true, false],
    ['applied', 'failed', false, true],
    ['applied', 'gone', false, true],
    ['rejected', null, false, true],
    ['not_applied', null, false, true],
  ])('%s with an image that is %s: held: %j, settled: %j', (state, phase, live, settled) => {
    const operation = { ...begun, state, result: phase === null ? null : image(phase) }
    expect([isLive(operation), isSettled(operation)]).toEqual([live, settled])
    const name = live ? operation.holds : []
    const key = `key ${operation.keyHash}`
    expect(holdsOf(operation)).toEqual(live ? [key, ...name] : [])
    expect(holdsOf({ ...operation, keyIsExplicit: true })).toEqual([key, ...name])
  })
})

import { describe, expect, test } from 'vitest'
import {
  accept,
  apply,
  markConflict,
  markNotApplied,
  markUnknown,
  reject,
  startAttempt,
} from '../../../shared/operations/transitions.ts'
import { readRecord, rowOf } from '../../../shared/store/records.ts'
import { by, claim, image, jobsRecord, notice } from '../operations/records.ts'

const MINUTE_MS = 60_000
const DAY_MS = 1_440 * MINUTE_MS
const problem = { code: 'upstream-refused' as const, detail: 'x' }
const first = accept(claim(), by(1))
const sent = startAttempt(first, 2, by(2))
const unknown = markUnknown(sent, problem, by(3))

describe('the time for which a record is kept', () => {
  test.each([
    ['an accepted operation', first, null],
    ['an operation in flight', sent, null],
    ['an operation with an unknown outcome', unknown, null],
    ['a conflict', markConflict(unknown, [], by(4)), null],
    ['an operation whose image is followed', apply(sent, image('pending'), by(4)), null],
    ['an operation with an image', apply(sent, image('ready'), by(4)), 90 * DAY_MS],
    ['a rejected operation', reject(first, problem, by(4)), 90 * DAY_MS],
    ['an operation that was not applied', markNotApplied(unknown, 'absent', by(4)), 90 * DAY_MS],
  ])('of %s', (_, record, keepMs) => {
    expect(rowOf({ type: 'operation', record }).keepMs).toBe(keepMs)
  })

  test('of a notice is 15 minutes once it is finished, and of the record of jobs without end', () => {
    const due = notice('a', 1)
    expect(rowOf({ type: 'notice', record: due }).keepMs).toBeNull()
    const done = { ...due, dueAt: null }
    expect(rowOf({ type: 'notice', record: done }).keepMs).toBe(15 * MINUTE_MS)
    expect(rowOf({ type: 'jobs', record: jobsRecord(1) }).keepMs).toBeNull()
  })
})

describe('a stored record', () => {
  test('keeps fields that only a newer version of the relay knows', () => {
    const newer = { ...first, color: 'red' }
    expect(readRecord('operation', JSON.stringify(newer))).toEqual(newer)
  })

  test.each([
    ['without a field', { ...first, keyHash: undefined }],
    ['with a field of another type', { ...first, attempt: '1' }],
    ['with an unknown state', { ...first, state: 'lost' }],
    ['of another type', notice('a', 1)],
  ])('%s is not read', (_, record) => {
    const reading = () => readRecord('operation', JSON.stringify(record))
    expect(reading).toThrow('A stored record of type operation is unreadable')
  })
})

import { expect, test } from 'vitest'
import { createImage } from '../../../shared/operations/create-image/kind.ts'
import { KINDS, kindOf } from '../../../shared/operations/kinds.ts'
import { accept } from '../../../shared/operations/transitions.ts'
import { by, claim } from './records.ts'

test('every kind has a name of its own', () => {
  expect(new Set(KINDS.map(({ name }) => name)).size).toBe(KINDS.length)
})

test('the kind of an operation is found by its name', () => {
  expect(kindOf(accept(claim(), by(1)))).toBe(createImage)
})

test.each([
  ['of an unknown kind', { kind: 'createEverything' }, 'The operation is of an unknown kind'],
  [
    'with an input of another shape',
    { input: { name: 'web', storages: [{ sizeGb: 10 }] } },
    'The input of the operation is unreadable',
  ],
])('an operation %s cannot be continued', (_, changes, message) => {
  expect(() => kindOf({ ...accept(claim(), by(1)), ...changes })).toThrow(message)
})

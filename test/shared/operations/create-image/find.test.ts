import { expect, test } from 'vitest'
import type { Context } from '../../../../shared/context.ts'
import type { CreateImageInput } from '../../../../shared/operations/create-image/content.ts'
import { findImage } from '../../../../shared/operations/create-image/find.ts'
import { accept } from '../../../../shared/operations/transitions.ts'
import { by, claim, image, storage } from '../records.ts'

const input: CreateImageInput = {
  name: 'web',
  storages: [{ snapshotNo: '1' }, { sizeGb: 50, volumeType: 'FB1' }],
}
const operation = { ...accept(claim({ input }), by(1)), name: 'web', input }
const base = storage(0, '1')
const empty = { ...storage(1, null), sizeGb: 50 }

/** Looks for the image of the operation in a list. */
async function find(...rows: { image: object; markers: string[] }[]) {
  const page = {
    totalRows: rows.length,
    rows: rows.map((row) => ({ ...row, image: { ...image('ready'), ...row.image }, type: 'SELF' })),
    gatewayTime: 9,
  }
  const gateway = { read: async () => page } as unknown as Context['gateway']
  const findings = await findImage(operation, { gateway } as Context)
  return findings.found.map(({ thing, relation }) => [thing.imageNo, relation])
}

test.each([
  ['has unknown storages', null, true],
  ['has an empty list of storages', [], true],
  ['has the same storages', [base, empty], true],
  ['has the same storages without sizes and numbers', [storage(0, null), storage(1, null)], true],
  ['has one storage less', [base], false],
  ['has one storage more', [base, empty, storage(2, '3')], false],
  ['has another base snapshot', [storage(0, '9'), empty], false],
  ['has a snapshot in place of a new storage', [base, storage(1, '9')], false],
  // Sizes and orders as listed do not contradict a marker, different snapshot numbers do: relay.md, section 5.
  ['has a storage of another size', [base, { ...empty, sizeGb: 60 }], true],
  [
    'has orders that start at 1',
    [
      { ...base, order: 1 },
      { ...empty, order: 2 },
    ],
    true,
  ],
  [
    'has its storages in another order',
    [
      { ...empty, order: 0 },
      { ...base, order: 1 },
    ],
    true,
  ],
  ['has its snapshot twice', [base, storage(1, '1')], false],
])('compares an image with the marker that %s', async (_, storages, isOurs) => {
  const found = await find({ image: { imageNo: '7', storages }, markers: [operation.marker] })
  expect(found).toEqual([['7', isOurs ? 'own' : 'contradicting']])
})

test('the closest images come first', async () => {
  const found = await find(
    { image: { imageNo: '1', description: 'by hand' }, markers: [] },
    { image: { imageNo: '2' }, markers: ['another-marker'] },
    { image: { imageNo: '3' }, markers: [] },
    { image: { imageNo: '4', storages: [storage(0, '9')] }, markers: [operation.marker] },
    { image: { imageNo: '5' }, markers: [operation.marker] },
  )
  expect(found).toEqual([
    ['5', 'own'],
    ['4', 'contradicting'],
    ['1', 'unmarked'],
    ['3', 'unmarked'],
    ['2', 'other'],
  ])
})

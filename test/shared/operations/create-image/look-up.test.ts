import { expect, test } from 'vitest'
import { imageOf } from '../../../../shared/operations/create-image/look-up.ts'
import { accept } from '../../../../shared/operations/operation.ts'
import { by, claim, image, storage } from '../records.ts'

const content = {
  name: 'web',
  storages: [{ snapshotNo: '1' }, { sizeGb: 50, volumeType: 'FB1' as const }] as [
    { snapshotNo: string },
    { sizeGb: number; volumeType: 'FB1' },
  ],
}
const operation = accept(claim({ content }), by(1))
const base = storage(0, '1')
const empty = { ...storage(1, null), sizeGb: 50 }

test.each([
  ['has unknown storages', null, true],
  ['has an empty list of storages', [], true],
  ['has the same storages', [base, empty], true],
  ['has the same storages without sizes and numbers', [storage(0, null), storage(1, null)], true],
  ['has one storage less', [base], false],
  ['has one storage more', [base, empty, storage(2, '3')], false],
  ['has another base snapshot', [storage(0, '9'), empty], false],
  ['has a snapshot in place of a new storage', [base, storage(1, '9')], false],
  ['has a storage of another size', [base, { ...empty, sizeGb: 60 }], false],
])('compares an image with the marker that %s', (_, storages, isOurs) => {
  const marked = [{ ...image('ready'), storages }]
  const findings = { marked, undescribed: [], others: [], gatewayTime: 0 }
  expect(imageOf(operation, findings) !== undefined).toBe(isOurs)
})

import { expect, test } from 'vitest'
import { usableSnapshots } from '../../../../shared/operations/create-image/check.ts'
import type { Snapshot } from '../../../../shared/snapshot.ts'

const storageNo = '12340001'
function row(snapshotNo: string, createdAt: string | null) {
  const snapshot: Snapshot = {
    snapshotNo,
    name: null,
    sizeBytes: null,
    sizeGb: null,
    createdAt,
    bootable: true,
    hypervisor: 'KVM',
    phase: 'ready',
  }
  return { snapshot, originalBlockStorageNo: storageNo }
}
const early = '2026-11-21T03:00:00+09:00'
const late = '2026-11-21T03:00:01+09:00'

// Field report A14: two snapshots of the same second.
test('of snapshots that are equally old the one with the highest number is the newest', () => {
  const rows = [
    row('9', early),
    row('10', early),
    row('99', null),
    row('100', null),
    row('8', late),
    row('7', late),
  ]
  for (const listed of [rows, rows.toReversed()]) {
    const found = usableSnapshots(listed, storageNo, 0).map(({ snapshotNo }) => snapshotNo)
    expect(found).toEqual(['8', '7', '10', '9', '100', '99'])
  }
})

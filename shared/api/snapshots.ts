import * as v from 'valibot'
import { snapshots } from '../ncloud/reads.ts'
import { Digits, RegionCode } from '../ncloud/values.ts'
import { Snapshot } from '../snapshot.ts'
import { defineRow, UPSTREAM_PROBLEMS } from './row.ts'

/** Lists snapshots: all, those of one storage, or one. The result has the number of each snapshot's storage. */
export const listSnapshots = defineRow({
  name: 'listSnapshots',
  scope: 'images:read',
  summary: 'List snapshots',
  parameters: v.strictObject({
    originalBlockStorageNo: v.optional(Digits),
    snapshotNo: v.optional(Digits),
    regionCode: v.optional(RegionCode),
  }),
  output: v.object({ items: v.array(Snapshot) }),
  problems: ['invalid-input', ...UPSTREAM_PROBLEMS],
  run: ({ originalBlockStorageNo, snapshotNo, regionCode }, context) => {
    const filter = {
      regionCode: regionCode ?? context.regionCode,
      ...(originalBlockStorageNo !== undefined && {
        originalBlockStorageNos: [originalBlockStorageNo],
      }),
      ...(snapshotNo !== undefined && { snapshotNos: [snapshotNo] }),
    }
    return snapshots(filter, context)
  },
  view: (rows) => ({ items: rows.map(({ snapshot }) => snapshot) }),
})

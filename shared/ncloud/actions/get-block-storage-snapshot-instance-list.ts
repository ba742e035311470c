import * as v from 'valibot'
import { phaseOf } from '../../image.ts'
import type { Snapshot } from '../../snapshot.ts'
import { defineAction, numbered } from '../action.ts'
import { CommonCode, GivenDate, GivenNo, listOf, OptionalText, sizes } from '../values.ts'

const Nothing = v.pipe(
  v.unknown(),
  v.transform(() => null),
)

/** NCP's type BlockStorageSnapshotInstance, as far as it is read. */
const BlockStorageSnapshot = v.object({
  blockStorageSnapshotInstanceNo: GivenNo,
  blockStorageSnapshotName: OptionalText,
  blockStorageSnapshotVolumeSize: v.nullish(v.number()),
  // Where there is no number, NCP writes an empty one.
  originalBlockStorageInstanceNo: v.nullish(v.union([GivenNo, Nothing])),
  blockStorageSnapshotInstanceStatus: v.nullish(CommonCode),
  blockStorageSnapshotInstanceOperation: v.nullish(CommonCode),
  createDate: GivenDate,
  isBootable: v.nullish(v.boolean()),
  hypervisorType: v.nullish(CommonCode),
})

/** What getBlockStorageSnapshotInstanceList can filter and page by; every documented parameter. */
export interface SnapshotQuery {
  snapshotNos?: string[]
  name?: string
  statusCode?: 'INIT' | 'CREAT'
  originalBlockStorageNos?: string[]
  /** Snapshots of this size or smaller, in GB. */
  atMostGb?: number
  originalEncrypted?: boolean
  hypervisorCodes?: ('XEN' | 'KVM')[]
  bootable?: boolean
  /** 0 and 1 both mean the first page. */
  pageNo?: number
  /** 1 to 1000, together with `pageNo`. */
  pageSize?: number
  sortedBy?: string
  sortingOrder?: 'ASC' | 'DESC'
}

/**
 * Lists block storage snapshots, each with the number of its storage.
 * Source: https://api-gov.ncloud-docs.com/docs/compute-vserver-snapshot-getblockstoragesnapshotinstancelist
 */
export const getBlockStorageSnapshotInstanceList = defineAction({
  name: 'getBlockStorageSnapshotInstanceList',
  method: 'GET',
  parameters: (query: SnapshotQuery) => ({
    ...numbered('blockStorageSnapshotInstanceNoList', query.snapshotNos),
    blockStorageSnapshotName: query.name,
    blockStorageSnapshotInstanceStatusCode: query.statusCode,
    ...numbered('originalBlockStorageInstanceNoList', query.originalBlockStorageNos),
    blockStorageSnapshotVolumeSize: query.atMostGb,
    isEncryptedOriginalBlockStorageVolume: query.originalEncrypted,
    ...numbered('hypervisorTypeCodeList', query.hypervisorCodes),
    isBootable: query.bootable,
    pageNo: query.pageNo,
    pageSize: query.pageSize,
    sortedBy: query.sortedBy,
    sortingOrder: query.sortingOrder,
  }),
  output: listOf('blockStorageSnapshotInstanceList', BlockStorageSnapshot),
  view: ({ totalRows, rows }) => ({
    totalRows,
    rows: rows.map((row) => ({
      originalBlockStorageNo: row.originalBlockStorageInstanceNo ?? null,
      snapshot: snapshot(row),
    })),
  }),
})

function snapshot(row: v.InferOutput<typeof BlockStorageSnapshot>): Snapshot {
  return {
    snapshotNo: row.blockStorageSnapshotInstanceNo,
    name: row.blockStorageSnapshotName,
    ...sizes(row.blockStorageSnapshotVolumeSize),
    createdAt: row.createDate,
    bootable: row.isBootable ?? null,
    hypervisor: row.hypervisorType?.code ?? null,
    phase: phaseOf(
      row.blockStorageSnapshotInstanceStatus?.code ?? null,
      row.blockStorageSnapshotInstanceOperation?.code ?? null,
    ),
  }
}

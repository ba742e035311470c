import * as v from 'valibot'
import { phaseOf } from '../../image.ts'
import type { Snapshot } from '../../snapshot.ts'
import { defineAction, numbered } from '../action.ts'
import {
  AnswerNo,
  DecidingCode,
  listOf,
  ShownAmount,
  ShownCode,
  ShownDate,
  ShownFlag,
  ShownNo,
  ShownText,
  sizes,
} from '../values.ts'

/** NCP's type BlockStorageSnapshotInstance: the fields that are read. */
const BlockStorageSnapshot = v.object({
  blockStorageSnapshotInstanceNo: AnswerNo,
  blockStorageSnapshotName: ShownText,
  blockStorageSnapshotVolumeSize: ShownAmount,
  originalBlockStorageInstanceNo: ShownNo,
  blockStorageSnapshotInstanceStatus: DecidingCode,
  blockStorageSnapshotInstanceOperation: DecidingCode,
  createDate: ShownDate,
  isBootable: ShownFlag,
  hypervisorType: ShownCode,
})

/** The filters of getBlockStorageSnapshotInstanceList that the relay uses, and its pages. */
export interface SnapshotQuery {
  snapshotNos?: string[]
  originalBlockStorageNos?: string[]
  /** 0 and 1 both mean the first page. */
  pageNo?: number
  /** 1 to 1000, together with `pageNo`. */
  pageSize?: number
}

/**
 * Lists block storage snapshots, each with the number of its storage.
 * Source: https://api-gov.ncloud-docs.com/docs/compute-vserver-snapshot-getblockstoragesnapshotinstancelist
 */
export const getBlockStorageSnapshotInstanceList = defineAction({
  name: 'getBlockStorageSnapshotInstanceList',
  method: 'GET',
  parameters: ({ snapshotNos, originalBlockStorageNos, pageNo, pageSize }: SnapshotQuery) => ({
    ...numbered('blockStorageSnapshotInstanceNoList', snapshotNos),
    ...numbered('originalBlockStorageInstanceNoList', originalBlockStorageNos),
    pageNo,
    pageSize,
  }),
  output: listOf('blockStorageSnapshotInstanceList', BlockStorageSnapshot),
  view: ({ totalRows, rows }, { gatewayTime }) => ({
    totalRows,
    gatewayTime,
    rows: rows.map((row) => ({
      originalBlockStorageNo: row.originalBlockStorageInstanceNo,
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
    bootable: row.isBootable,
    hypervisor: row.hypervisorType,
    phase: phaseOf(
      row.blockStorageSnapshotInstanceStatus,
      row.blockStorageSnapshotInstanceOperation,
    ),
  }
}

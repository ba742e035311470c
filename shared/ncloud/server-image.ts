import * as v from 'valibot'
import { type Image, phaseOf } from '../image.ts'
import { unmarked } from '../operations/marker.ts'
import type { ResponseMeta } from './action.ts'
import { AnswerDate, AnswerNo, CommonCode, OptionalText, sizes } from './values.ts'

const BlockStorageMapping = v.object({
  order: v.nullish(v.number()),
  // The documentation of the type has a string, every recorded answer has a number.
  blockStorageSnapshotInstanceNo: v.nullish(AnswerNo),
  blockStorageSnapshotName: OptionalText,
  // The documentation of the type has this name, recorded answers have the name above.
  blockStorageSnapshotInstanceName: OptionalText,
  blockStorageSize: v.nullish(v.number()),
  blockStorageVolumeType: v.nullish(CommonCode),
  iops: v.nullish(v.number()),
  throughput: v.nullish(v.number()),
  isEncryptedVolume: v.nullish(v.boolean()),
})

/**
 * NCP's type ServerImage: the fields that are read.
 * Source: https://api.ncloud-docs.com/docs/en/common-vapidatatype-serverimage
 */
export const ServerImage = v.object({
  serverImageNo: AnswerNo,
  serverImageName: v.string(),
  serverImageDescription: OptionalText,
  serverImageType: v.nullish(CommonCode),
  hypervisorType: v.nullish(CommonCode),
  osType: v.nullish(CommonCode),
  serverImageStatus: v.nullish(CommonCode),
  serverImageOperation: v.nullish(CommonCode),
  serverImageStatusName: OptionalText,
  serverImageProductCode: OptionalText,
  createDate: AnswerDate,
  shareStatus: v.nullish(CommonCode),
  sharedLoginIdList: v.nullish(v.array(v.string()), []),
  blockStorageMappingList: v.nullish(v.array(BlockStorageMapping)),
})

/** NCP's type ServerImage: the fields that are read. */
export type ServerImage = v.InferOutput<typeof ServerImage>

/** Converts a ServerImage to the relay's shape of an image. Its size is the sum of its storages. */
export function serverImage(
  row: ServerImage,
  { action, regionCode, requestId }: ResponseMeta,
): Image {
  const status = row.serverImageStatus?.code ?? null
  const operation = row.serverImageOperation?.code ?? null
  const storages = row.blockStorageMappingList?.map(storage) ?? null
  return {
    imageNo: row.serverImageNo,
    kind: 'serverImage',
    name: row.serverImageName,
    description: unmarked(row.serverImageDescription ?? '').description || null,
    phase: phaseOf(status, operation),
    status: { code: status, operation, name: row.serverImageStatusName },
    hypervisor: row.hypervisorType?.code ?? null,
    os: row.osType?.code ?? null,
    productCode: row.serverImageProductCode,
    createdAt: row.createDate,
    ...sizes(total(storages?.map(({ sizeBytes }) => sizeBytes))),
    storages,
    originalServerNo: null,
    shared: row.shareStatus?.code === 'SHARE',
    sharedWith: row.sharedLoginIdList.length,
    regionCode,
    upstream: { action, requestId },
  }
}

function storage(mapping: v.InferOutput<typeof BlockStorageMapping>, index: number) {
  return {
    order: mapping.order ?? index,
    snapshotNo: mapping.blockStorageSnapshotInstanceNo ?? null,
    snapshotName: mapping.blockStorageSnapshotName ?? mapping.blockStorageSnapshotInstanceName,
    ...sizes(mapping.blockStorageSize),
    volumeType: mapping.blockStorageVolumeType?.code ?? null,
    iops: mapping.iops ?? null,
    throughputBytesPerSecond: mapping.throughput ?? null,
    encrypted: mapping.isEncryptedVolume ?? null,
  }
}

/** Returns the sum of sizes; null if one of them is unknown. */
function total(parts: (number | null)[] | undefined): number | null {
  if (!parts?.length) return null
  return parts.reduce((sum, part) => (sum === null || part === null ? null : sum + part), 0)
}

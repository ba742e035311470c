import * as v from 'valibot'
import { type Image, phaseOf } from '../image.ts'
import { withoutMarker } from '../operations/marker.ts'
import type { ResponseMeta } from './action.ts'
import {
  AnswerNo,
  DecidingCode,
  ShownAmount,
  ShownCode,
  ShownDate,
  ShownFlag,
  ShownList,
  ShownNo,
  ShownText,
  sharedBy,
  sizes,
} from './values.ts'

const BlockStorageMapping = v.object({
  order: ShownAmount,
  // The documentation of the type has a string, every recorded answer has a number.
  blockStorageSnapshotInstanceNo: ShownNo,
  blockStorageSnapshotName: ShownText,
  // The documentation of the type has this name, recorded answers have the name above.
  blockStorageSnapshotInstanceName: ShownText,
  blockStorageSize: ShownAmount,
  blockStorageVolumeType: ShownCode,
  iops: ShownAmount,
  throughput: ShownAmount,
  isEncryptedVolume: ShownFlag,
})

/** The storages of an image. An entry that is not an object still counts as a storage, of which nothing is known. */
const BlockStorageMappings = v.pipe(
  ShownList,
  v.transform((list) => list?.map((one) => (v.is(v.looseObject({}), one) ? one : {})) ?? null),
  v.nullable(v.array(BlockStorageMapping)),
)

/**
 * NCP's type ServerImage: the fields that are read.
 * Source: https://api.ncloud-docs.com/docs/en/common-vapidatatype-serverimage
 */
export const ServerImage = v.object({
  serverImageNo: AnswerNo,
  serverImageName: v.string(),
  serverImageDescription: ShownText,
  serverImageType: ShownCode,
  hypervisorType: ShownCode,
  osType: ShownCode,
  serverImageStatus: DecidingCode,
  serverImageOperation: DecidingCode,
  serverImageStatusName: ShownText,
  serverImageProductCode: ShownText,
  createDate: ShownDate,
  shareStatus: ShownCode,
  sharedLoginIdList: ShownList,
  blockStorageMappingList: BlockStorageMappings,
})

/** NCP's type ServerImage: the fields that are read. */
export type ServerImage = v.InferOutput<typeof ServerImage>

/** Converts a ServerImage to the relay's shape of an image. Its size is the sum of its storages. */
export function serverImage(
  row: ServerImage,
  { action, regionCode, requestId }: ResponseMeta,
): Image {
  const { serverImageStatus: status, serverImageOperation: operation } = row
  const storages = row.blockStorageMappingList?.map(storage) ?? null
  return {
    imageNo: row.serverImageNo,
    kind: 'serverImage',
    name: row.serverImageName,
    description: withoutMarker(row.serverImageDescription ?? '') || null,
    phase: phaseOf(status, operation),
    status: { code: status, operation, name: row.serverImageStatusName },
    hypervisor: row.hypervisorType,
    os: row.osType,
    productCode: row.serverImageProductCode,
    createdAt: row.createDate,
    ...sizes(total(storages?.map(({ sizeBytes }) => sizeBytes))),
    storages,
    originalServerNo: null,
    shared: sharedBy(row.shareStatus),
    sharedWith: row.sharedLoginIdList?.length ?? null,
    regionCode,
    upstream: { action, requestId },
  }
}

function storage(mapping: v.InferOutput<typeof BlockStorageMapping>, index: number) {
  return {
    order: mapping.order ?? index,
    snapshotNo: mapping.blockStorageSnapshotInstanceNo,
    snapshotName: mapping.blockStorageSnapshotName ?? mapping.blockStorageSnapshotInstanceName,
    ...sizes(mapping.blockStorageSize),
    volumeType: mapping.blockStorageVolumeType,
    iops: mapping.iops,
    throughputBytesPerSecond: mapping.throughput,
    encrypted: mapping.isEncryptedVolume,
  }
}

/** Returns the sum of sizes; null if one of them is unknown. */
function total(parts: (number | null)[] | undefined): number | null {
  if (!parts?.length) return null
  return parts.reduce((sum, part) => (sum === null || part === null ? null : sum + part), 0)
}

import * as v from 'valibot'
import { marked } from '../../operations/marker.ts'
import { defineAction, type Parameters } from '../action.ts'
import { ServerImage, serverImage } from '../server-image.ts'
import { atMostOne } from '../values.ts'

/** The types of volumes of further storages. */
export const VOLUME_TYPES = ['CB1', 'CB2', 'FB1', 'FB2'] as const

/** The content of an image. `storages` is in order, the first is the base. */
export interface ImageContent {
  name: string
  description?: string | undefined
  storages: ImageStorage[]
}

type VolumeType = (typeof VOLUME_TYPES)[number]

/** A storage of an image: made from a snapshot, or empty. */
export type ImageStorage =
  | { snapshotNo: string; sizeGb?: number | undefined; volumeType?: VolumeType | undefined }
  | { snapshotNo?: undefined; sizeGb: number; volumeType: VolumeType }

/**
 * Creates a KVM server image from snapshots, with the relay's marker in its description. Billable, not idempotent.
 * Source: https://api.ncloud-docs.com/docs/en/compute-vserver-serverimage-createserverimagefromsnapshot
 */
export const createServerImageFromSnapshot = defineAction({
  name: 'createServerImageFromSnapshot',
  method: 'POST',
  parameters: ({ name, description, storages, marker }: ImageContent & { marker: string }) => ({
    serverImageName: name,
    serverImageDescription: marked(description, marker),
    ...Object.assign({}, ...storages.map(storageParameters)),
  }),
  output: v.pipe(
    atMostOne('serverImageList', v.unknown()),
    v.transform(({ rows: [row] }) => row),
    ServerImage,
  ),
  view: serverImage,
})

function storageParameters(storage: ImageStorage, order: number): Parameters {
  const { snapshotNo, sizeGb, volumeType } = storage
  // Lists count from 1, the order of storages from 0.
  const path = `blockStorageList.${order + 1}`
  return {
    [`${path}.order`]: order,
    [`${path}.snapshotInstanceNo`]: snapshotNo,
    [`${path}.blockStorageSize`]: sizeGb,
    [`${path}.blockStorageVolumeTypeCode`]: volumeType,
    [`${path}.emptyBlockStorage`]: snapshotNo === undefined ? true : undefined,
  }
}

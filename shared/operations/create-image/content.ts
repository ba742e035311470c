import * as v from 'valibot'
import {
  type ImageContent,
  type ImageStorage,
  VOLUME_TYPES,
} from '../../ncloud/actions/create-server-image-from-snapshot.ts'

const size = { sizeGb: v.optional(v.number()), volumeType: v.optional(v.picklist(VOLUME_TYPES)) }

/** A storage whose snapshot must still be found: the newest usable one of a storage, at most `maxAgeHours` old. */
const SoughtStorage = v.object({
  latestSnapshotOf: v.string(),
  maxAgeHours: v.number(),
  snapshotNo: v.optional(v.undefined()),
  ...size,
})

const KnownStorage: v.GenericSchema<unknown, ImageStorage> = v.union([
  v.object({ snapshotNo: v.string(), ...size }),
  v.object({
    snapshotNo: v.optional(v.undefined()),
    sizeGb: v.number(),
    volumeType: v.picklist(VOLUME_TYPES),
  }),
])

/** The requested content of an image. Its snapshots may still be unknown, and then it cannot be sent. */
export const CreateImageInput = v.object({
  name: v.string(),
  description: v.optional(v.string()),
  storages: v.array(v.union([SoughtStorage, KnownStorage])),
})

/** The requested content of an image. */
export type CreateImageInput = v.InferOutput<typeof CreateImageInput>

/** Returns the content that can be sent; `undefined` if a snapshot must still be found. */
export function sendable({ storages, ...rest }: CreateImageInput): ImageContent | undefined {
  const known = storages.filter((one): one is ImageStorage => !isSought(one))
  return known.length === storages.length ? { ...rest, storages: known } : undefined
}

/** True if the snapshot of a storage must still be found. */
export function isSought(
  storage: CreateImageInput['storages'][number],
): storage is v.InferOutput<typeof SoughtStorage> {
  return 'latestSnapshotOf' in storage
}

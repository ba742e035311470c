import * as v from 'valibot'
import { MARKER_BYTES, marked } from '../../marker.ts'
import { oneOf } from '../../one-of.ts'
import { defineAction, type Parameters } from '../action.ts'
import { ServerImage, serverImage } from '../server-image.ts'
import { Digits, listOf } from '../values.ts'

const MAX_DESCRIPTION_BYTES = 1000 - MARKER_BYTES
/** A base and twenty more. */
export const MAX_STORAGES = 21

const rules = {
  name: 'must be 3 to 30 lower-case letters, digits and hyphens, a letter first, no hyphen last',
  description: `must be at most ${MAX_DESCRIPTION_BYTES} bytes of UTF-8`,
  wellFormed: 'must be well-formed Unicode',
  sizeGb: 'must be a whole multiple of 10, at least 10',
  storages: `must be at most ${MAX_STORAGES}, the base among them`,
  baseType: 'must be left out of the base storage',
}

/** An image's name. The pages allow upper case inside some of them; this is what all of them allow. */
export const ImageName = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{1,28}[a-z0-9]$/, rules.name))

const SizeGb = v.pipe(
  v.number(),
  v.minValue(10, rules.sizeGb),
  v.multipleOf(10, rules.sizeGb),
  v.safeInteger(rules.sizeGb),
)
const VolumeType = oneOf(['CB1', 'CB2', 'FB1', 'FB2'])

/** What is said of a storage beside its snapshot: of the base, and of a further one. */
export const ofBase = {
  sizeGb: v.optional(SizeGb),
  volumeType: v.optional(v.never(rules.baseType)),
}
export const ofFurther = { sizeGb: v.optional(SizeGb), volumeType: v.optional(VolumeType) }

/** A storage of the base, and one made from a snapshot. */
export const BaseStorage = v.strictObject({ snapshotNo: Digits, ...ofBase })
const StorageFromSnapshot = v.strictObject({ snapshotNo: Digits, ...ofFurther })
const NewStorage = v.strictObject({ sizeGb: SizeGb, volumeType: VolumeType })

/** What a further storage is by what it names: made from a snapshot, or new and empty. */
export const FurtherStorage = v.lazy((storage) =>
  storage instanceof Object && 'snapshotNo' in storage ? StorageFromSnapshot : NewStorage,
)

/** The two shapes of a further storage, for documents that cannot choose by looking. */
export const furtherStorages = [StorageFromSnapshot, NewStorage]

/** Storages in order, the base first. */
export function storagesOf<Base extends v.GenericSchema, Further extends v.GenericSchema>(
  base: Base,
  further: Further,
) {
  return v.pipe(
    v.tupleWithRest([base], further),
    // Raw, to be told beside whatever is wrong with one of them.
    v.rawCheck(({ dataset: { value }, addIssue }) => {
      if (Array.isArray(value) && value.length > MAX_STORAGES) {
        addIssue({ message: rules.storages })
      }
    }),
  )
}

/**
 * What an image is made of, as callers write it. `storages` is in order and the first is the base, which makes the
 * documented rules about `order` and `emptyBlockStorage` impossible to break.
 */
export const imageContent = {
  name: ImageName,
  description: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => text.isWellFormed(), rules.wellFormed),
      v.normalize('NFC'),
      v.maxBytes(MAX_DESCRIPTION_BYTES, rules.description),
    ),
  ),
  storages: storagesOf(BaseStorage, FurtherStorage),
}

/** What an image is made of. */
export interface ImageContent {
  name: string
  description?: string | undefined
  storages: {
    snapshotNo?: string | undefined
    sizeGb?: number | undefined
    volumeType?: 'CB1' | 'CB2' | 'FB1' | 'FB2' | undefined
  }[]
}

/**
 * Makes a KVM server image of snapshots, with the relay's marker in its description. Billable, not idempotent.
 * Source: https://api.ncloud-docs.com/docs/en/compute-vserver-serverimage-createserverimagefromsnapshot
 */
export const createServerImageFromSnapshot = defineAction({
  name: 'createServerImageFromSnapshot',
  method: 'POST',
  parameters: ({ name, description, storages, marker }: ImageContent & { marker: string }) => ({
    serverImageName: name,
    serverImageDescription: marked(description, marker),
    ...Object.assign({}, ...storages.map(blockStorage)),
  }),
  output: v.pipe(
    listOf('serverImageList', v.unknown()),
    v.transform(({ rows: [row] }) => row),
    ServerImage,
  ),
  view: serverImage,
})

function blockStorage(storage: ImageContent['storages'][number], order: number): Parameters {
  const { snapshotNo, sizeGb, volumeType } = storage
  // Lists count from 1, storages from 0.
  const path = `blockStorageList.${order + 1}`
  return {
    [`${path}.order`]: order,
    [`${path}.snapshotInstanceNo`]: snapshotNo,
    [`${path}.blockStorageSize`]: sizeGb,
    [`${path}.blockStorageVolumeTypeCode`]: volumeType,
    [`${path}.emptyBlockStorage`]: snapshotNo === undefined ? true : undefined,
  }
}

import * as v from 'valibot'
import { VOLUME_TYPES } from '../../ncloud/actions/create-server-image-from-snapshot.ts'
import { Digits } from '../../ncloud/values.ts'
import { oneOf } from '../../one-of.ts'
import { MARKER_BYTES } from '../marker.ts'

/** NAVER Cloud's limit for a description is 1000 bytes, and the relay's marker is part of it. */
const MAX_DESCRIPTION_BYTES = 1000 - MARKER_BYTES

/** The maximum number of storages of an image: a base and twenty more. */
export const MAX_STORAGES = 21

const rules = {
  name: 'must be 3 to 30 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen',
  description: `must be at most ${MAX_DESCRIPTION_BYTES} bytes of UTF-8`,
  wellFormed: 'must be well-formed Unicode',
  sizeGb: 'must be a whole multiple of 10, at least 10',
  minStorages: 'must have at least one storage',
  maxStorages: `must have at most ${MAX_STORAGES} storages, including the base`,
  baseType: 'must be left out of the base storage',
}

/** The name of an image. NAVER Cloud's pages disagree about capital letters; this rule is what all pages allow. */
export const ImageName = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{1,28}[a-z0-9]$/, rules.name))

const SizeGb = v.pipe(
  v.number(),
  v.minValue(10, rules.sizeGb),
  v.multipleOf(10, rules.sizeGb),
  v.safeInteger(rules.sizeGb),
)
const VolumeType = oneOf(VOLUME_TYPES)

/** The fields of the base storage, except its snapshot. */
export const baseFields = {
  sizeGb: v.optional(SizeGb),
  volumeType: v.optional(v.never(rules.baseType)),
}
/** The fields of a further storage, except its snapshot. */
export const furtherFields = { sizeGb: v.optional(SizeGb), volumeType: v.optional(VolumeType) }

/** The base storage, made from a snapshot. */
export const BaseStorage = v.strictObject({ snapshotNo: Digits, ...baseFields })
const StorageFromSnapshot = v.strictObject({ snapshotNo: Digits, ...furtherFields })
const EmptyStorage = v.strictObject({ sizeGb: SizeGb, volumeType: VolumeType })

/** A further storage, made from a snapshot or empty. The field `snapshotNo` selects the schema, so that messages fit. */
export const FurtherStorage = v.lazy((storage) =>
  storage instanceof Object && 'snapshotNo' in storage ? StorageFromSnapshot : EmptyStorage,
)

/** The two shapes of a further storage, for the OpenAPI document. */
export const furtherStorages = [StorageFromSnapshot, EmptyStorage]

/** Returns a schema of storages in order, the base first. It checks their number even if a storage is invalid. */
export function storagesOf<Base extends v.GenericSchema, Further extends v.GenericSchema>(
  base: Base,
  further: Further,
) {
  return v.intersect([
    v.pipe(
      v.array(v.unknown()),
      v.nonEmpty(rules.minStorages),
      v.maxLength(MAX_STORAGES, rules.maxStorages),
    ),
    v.tupleWithRest([base], further),
  ])
}

/** The content of an image, as callers write it: the fields of a create body that describe the image. */
export const imageFields = {
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

import { createServerImageFromSnapshot } from '../../ncloud/actions/create-server-image-from-snapshot.ts'
import { readOrListServerImage } from '../../ncloud/reads.ts'
import type { Kind } from '../kind.ts'
import { CreateImageInput, isSought, sendable } from './content.ts'
import { findImage } from './find.ts'
import { findSnapshots } from './find-snapshots.ts'
import { imageNameHold } from './holds.ts'

/** Makes an image from snapshots. */
export const createImage: Kind<CreateImageInput> = {
  name: 'createImage',
  input: CreateImageInput,
  nameOf: ({ name }) => name,
  holds: ({ name }, regionCode) => [imageNameHold(regionCode, name)],
  fingerprint({ name, description, storages }) {
    const hashed = storages.map((one) => [
      one.snapshotNo ?? null,
      one.sizeGb ?? null,
      one.volumeType ?? null,
      ...(isSought(one) ? [one.latestSnapshotOf, one.maxAgeHours] : []),
    ])
    return [name, description || null, hashed]
  },
  async prepare({ input, marker, regionCode }, context) {
    const content = sendable(input)
    if (!content) return { ready: false, input: await findSnapshots(input, regionCode, context) }
    const sent = { ...content, marker, regionCode }
    return {
      ready: true,
      sign: () => context.gateway.sign(createServerImageFromSnapshot, sent, context),
    }
  },
  find: findImage,
  read: ({ regionCode }, imageNo, context) =>
    readOrListServerImage({ imageNo, regionCode }, context),
}

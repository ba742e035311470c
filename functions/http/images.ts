import * as v from 'valibot'
import type { RequestContext } from '../../shared/api/request-context.ts'
import { type Image, isFinal } from '../../shared/image.ts'
import { ownImages, type readImage, snapshots } from '../../shared/ncloud/reads.ts'
import { Digits, RegionCode } from '../../shared/ncloud/values.ts'
import type { Reply } from '../reply.ts'
import { PENDING_RETRY_AFTER_SECONDS, preferenceApplied, waitFor } from './wait.ts'

/** The parameters of one image. */
export const ImageAddress = v.strictObject({ no: Digits, regionCode: v.optional(RegionCode) })

/** The query for own images by their exact name. */
export const ImagesQuery = v.strictObject({
  name: v.pipe(
    v.string(),
    v.nonEmpty('must not be empty'),
    v.maxLength(255, 'must be at most 255 characters'),
  ),
  regionCode: v.optional(RegionCode),
})

/** The query for snapshots: all, those of one storage, or one. */
export const SnapshotsQuery = v.strictObject({
  originalBlockStorageNo: v.optional(Digits),
  snapshotNo: v.optional(Digits),
  regionCode: v.optional(RegionCode),
})

/** Returns a handler that answers with the image that `read` finds. */
export function imageBy(read: typeof readImage) {
  return async (
    address: v.InferOutput<typeof ImageAddress>,
    context: RequestContext,
  ): Promise<Reply> => {
    const { no: imageNo, regionCode = context.regionCode } = address
    const readOnce = () => read({ imageNo, regionCode }, context)
    const image = await waitFor(await readOnce(), readOnce, ({ phase }) => isFinal(phase), context)
    return { ...imagesReply([image], image), headers: preferenceApplied(context) }
  }
}

/** Answers with all own images that have a name. */
export async function imagesByName(
  query: v.InferOutput<typeof ImagesQuery>,
  context: RequestContext,
): Promise<Reply> {
  const { name, regionCode = context.regionCode } = query
  const { rows } = await ownImages(name, { regionCode }, context)
  const items = rows.map(({ image }) => image)
  return imagesReply(items, { items })
}

/** Answers with snapshots. */
export async function snapshotsBy(
  query: v.InferOutput<typeof SnapshotsQuery>,
  context: RequestContext,
): Promise<Reply> {
  const { originalBlockStorageNo, snapshotNo, regionCode = context.regionCode } = query
  const filter = {
    regionCode,
    ...(originalBlockStorageNo && { originalBlockStorageNos: [originalBlockStorageNo] }),
    ...(snapshotNo && { snapshotNos: [snapshotNo] }),
  }
  const rows = await snapshots(filter, context)
  const items = rows.map(({ snapshot }) => snapshot)
  const lines = items.map((item) => `${item.snapshotNo} ${item.name} ${item.phase}`)
  return { status: 200, body: { items }, lines }
}

function imagesReply(images: Image[], body: unknown): Reply {
  const isPending = images.some(({ phase }) => !isFinal(phase))
  return {
    status: 200,
    body,
    lines: images.map(({ imageNo, name, phase }) => `${imageNo} ${name} ${phase}`),
    retryAfterSeconds: isPending ? PENDING_RETRY_AFTER_SECONDS : undefined,
  }
}

import * as v from 'valibot'
import { Image } from '../image.ts'
import { ownImages, readImage, readMemberServerImage, readServerImage } from '../ncloud/reads.ts'
import { Digits, RegionCode } from '../ncloud/values.ts'
import { newestFirst, type Position } from '../newest-first.ts'
import { DEFAULT_LIMIT, Limit, type Page, pageOf, readCursor } from './paging.ts'
import { defineRow, UPSTREAM_PROBLEMS } from './row.ts'

/** Reads an image of unknown kind by its number. */
export const getImage = imageRow('getImage', 'Read an image of either kind', readImage)

/** Reads an image by its number with `getServerImageDetail`. */
export const getServerImage = imageRow(
  'getServerImage',
  'Read an image of any hypervisor',
  readServerImage,
)

/** Reads an image by its number with `getMemberServerImageInstanceDetail`. */
export const getMemberServerImage = imageRow(
  'getMemberServerImage',
  'Read an image of a XEN or RHV server',
  readMemberServerImage,
)

function imageRow(name: string, summary: string, read: typeof readImage) {
  return defineRow({
    name,
    scope: 'images:read',
    summary,
    parameters: v.strictObject({ no: Digits, regionCode: v.optional(RegionCode) }),
    output: Image,
    problems: ['image-not-found', 'invalid-input', ...UPSTREAM_PROBLEMS],
    run: ({ no: imageNo, regionCode }, context) =>
      read({ imageNo, regionCode: regionCode ?? context.regionCode }, context),
    view: (image) => image,
  })
}

const NOT_PAGED = 'must be left out if there is a name, because that list is not cut into pages'

/** Lists own images, newest first, in pages; or all own images with exactly one name. */
export const listImages = defineRow({
  name: 'listImages',
  scope: 'images:read',
  summary: 'List own images, newest first; with a name, list all own images with exactly that name',
  parameters: v.pipe(
    v.strictObject({
      name: v.optional(
        v.pipe(
          v.string(),
          v.nonEmpty('must not be empty'),
          v.maxLength(255, 'must be at most 255 characters'),
        ),
      ),
      limit: v.optional(Limit),
      cursor: v.optional(v.string()),
      regionCode: v.optional(RegionCode),
    }),
    v.forward(
      v.partialCheck(
        [['name'], ['limit']],
        ({ name, limit }) => name === undefined || limit === undefined,
        NOT_PAGED,
      ),
      ['limit'],
    ),
    v.forward(
      v.partialCheck(
        [['name'], ['cursor']],
        ({ name, cursor }) => name === undefined || cursor === undefined,
        NOT_PAGED,
      ),
      ['cursor'],
    ),
  ),
  output: v.object({ items: v.array(Image), next: v.optional(v.string()) }),
  problems: ['invalid-input', ...UPSTREAM_PROBLEMS],
  run: async ({ name, limit = DEFAULT_LIMIT, cursor, ...region }, context) => {
    const after = cursor === undefined ? undefined : readCursor(cursor, /^[0-9]{1,20}$/)
    const { regionCode = context.regionCode } = region
    const { rows } = await ownImages(name, { regionCode }, context)
    const images = rows.map(({ image }) => image)
    return name === undefined ? newestPage(images, after, limit) : { items: images }
  },
  view: (page) => page,
})

/**
 * Returns the page of images after a position. NAVER Cloud documents no key that sorts by time, so the relay reads all
 * images and sorts them. A position stays right while images appear or disappear; a page number does not.
 */
function newestPage(images: Image[], after: Position | undefined, limit: number): Page<Image> {
  const sorted = images.sort((one, other) => newestFirst(positionOf(one), positionOf(other)))
  const rest = sorted.filter((image) => !after || newestFirst(after, positionOf(image)) < 0)
  return pageOf(rest, limit, positionOf)
}

/** Returns the position of an image. An image without a creation time is last. */
function positionOf({ createdAt, imageNo }: Image): Position {
  return { createdAt: createdAt === null ? 0 : Math.max(0, Date.parse(createdAt)), id: imageNo }
}

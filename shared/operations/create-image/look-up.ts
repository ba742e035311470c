import type { Context } from '../../context.ts'
import { type Image, isLost } from '../../image.ts'
import type { ImageContent } from '../../ncloud/actions/create-server-image-from-snapshot.ts'
import { ownImages } from '../../ncloud/reads.ts'
import type { Operation } from '../operation.ts'

/** The result of a look-up: own images with the operation's name, grouped by their descriptions. */
export interface Findings {
  /** Images with the operation's marker. */
  marked: Image[]
  /** Images without a description. The gateway may have left it out. */
  undescribed: Image[]
  /** Images with another description. */
  others: Image[]
  /** The earliest possible time on the gateway's clock when it answered: milliseconds since the epoch. */
  gatewayTime: number
}

/**
 * Looks for the image of an operation by name and marker. Leaves out images that existed before the first attempt.
 * @throws Problem of the read
 */
export async function lookUp(
  { content, marker, regionCode, imagesBefore }: Operation,
  context: Context,
): Promise<Findings> {
  const { rows, gatewayTime } = await ownImages(content.name, { regionCode }, context)
  const findings: Findings = { marked: [], undescribed: [], others: [], gatewayTime }
  for (const { image, marker: found } of rows) {
    if (imagesBefore.includes(image.imageNo)) continue
    if (found === marker) findings.marked.push(image)
    else if (found === null && image.description === null) findings.undescribed.push(image)
    else findings.others.push(image)
  }
  return findings
}

/** Returns the image with the marker, if there is exactly one and its storages fit the operation. */
export function imageOf({ content }: Operation, { marked }: Findings): Image | undefined {
  const [image] = marked
  return image && marked.length === 1 && isOf(content, image) ? image : undefined
}

/** Returns the images that may belong to the operation. */
export function candidatesIn({ marked, undescribed }: Findings): Image[] {
  return [...marked, ...undescribed]
}

/** Returns all images of the result. */
export function imagesIn({ marked, undescribed, others }: Findings): Image[] {
  return [...marked, ...undescribed, ...others]
}

/** Returns the result without images that are failed or gone, because those do not hold the name. */
export function withoutLost({ marked, undescribed, others, gatewayTime }: Findings): Findings {
  const kept = (images: Image[]) => images.filter(({ phase }) => !isLost(phase))
  return { marked: kept(marked), undescribed: kept(undescribed), others: kept(others), gatewayTime }
}

/**
 * True if an image has the requested storages, or its storages are unknown. Descriptions are not compared, because NAVER
 * Cloud does not document that it keeps them unchanged.
 */
function isOf({ storages }: ImageContent, image: Image): boolean {
  if (!image.storages?.length) return true
  return (
    image.storages.length === storages.length &&
    image.storages.every(({ order, snapshotNo, sizeGb }) => {
      const wanted = storages[order]
      return (
        wanted !== undefined &&
        (snapshotNo ?? wanted.snapshotNo) === wanted.snapshotNo &&
        (sizeGb === null || wanted.sizeGb === undefined || sizeGb === wanted.sizeGb)
      )
    })
  )
}

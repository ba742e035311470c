import { type Image, isLost } from '../image.ts'
import type { ImageContent } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import type { Gateway } from '../ncloud/gateway.ts'
import { ownImages } from '../ncloud/reads.ts'
import type { Work } from '../work.ts'
import type { Creation } from './creation.ts'

/** What a look-up by name finds of a creation: own images of its name, by what their descriptions tell. */
export interface Findings {
  /** They bear the mark of the creation. */
  marked: Image[]
  /** They have no description: it may have been left out. */
  mute: Image[]
  /** They are described as something else. */
  others: Image[]
  /** The gateway's clock when it answered, at the least: milliseconds since the epoch. */
  gatewayTime: number
}

/**
 * Looks for the image of a creation by name and mark, passing over those that were there before its first attempt.
 * @throws Problem of the read
 */
export async function lookUp(
  { content, marker, regionCode, imagesBefore }: Creation,
  gateway: Gateway,
  work: Work,
): Promise<Findings> {
  const { rows, gatewayTime } = await ownImages(gateway, content.name, { regionCode }, work)
  const findings: Findings = { marked: [], mute: [], others: [], gatewayTime }
  for (const { image, marker: mark } of rows) {
    if (imagesBefore.includes(image.imageNo)) continue
    if (mark === marker) findings.marked.push(image)
    else if (mark === null && image.description === null) findings.mute.push(image)
    else findings.others.push(image)
  }
  return findings
}

/** The one image that bears the mark, if it is of the creation's content as far as it tells. */
export function imageOf({ content }: Creation, { marked }: Findings): Image | undefined {
  const [image] = marked
  return image && marked.length === 1 && isOf(content, image) ? image : undefined
}

/** Whether an image may be of the creation, though not for certain. */
export function mayBeOurs({ marked, mute }: Findings): boolean {
  return marked.length + mute.length > 0
}

/** All images of the name. */
export function imagesIn({ marked, mute, others }: Findings): Image[] {
  return [...marked, ...mute, ...others]
}

/** What holds the name: an image that is lost, failed or gone, does not. */
export function withoutLost({ marked, mute, others, gatewayTime }: Findings): Findings {
  const kept = (images: Image[]) => images.filter(({ phase }) => !isLost(phase))
  return { marked: kept(marked), mute: kept(mute), others: kept(others), gatewayTime }
}

/** Descriptions are not compared: nobody has said that the gateway keeps them to the letter. */
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

import { readServerImage } from '../ncloud/reads.ts'
import { invalidInput } from '../problem.ts'
import type { Work } from '../work.ts'
import { type Creation, created, notCreated } from './creation.ts'
import { actOf, type Ports } from './ports.ts'
import { save } from './record.ts'

/** How a person settles a conflict: that image is the creation's, or none is. */
export type Resolution = { imageNo: string } | { abandon: true }

/**
 * Settles a creation that is in conflict, as a person has decided.
 * @throws Problem `invalid-input` where it is in none, or the image has another name; `image-not-found`, `upstream-…`
 */
export async function settle(
  creation: Creation,
  resolution: Resolution,
  ports: Ports,
  work: Work,
): Promise<Creation> {
  if (creation.state !== 'conflict') {
    throw invalidInput([{ path: '', message: 'must be for a creation that is in conflict' }])
  }
  if ('abandon' in resolution) {
    return save(notCreated(creation, 'resolved', actOf(ports, work)), ports, work)
  }
  const { regionCode, content } = creation
  const address = { imageNo: resolution.imageNo, regionCode }
  const image = await readServerImage(ports.gateway, address, work)
  if (image.name !== content.name) {
    throw invalidInput([{ path: 'imageNo', message: 'must be an image of the same name' }])
  }
  return save(created(creation, image, actOf(ports, work), 'resolved'), ports, work)
}

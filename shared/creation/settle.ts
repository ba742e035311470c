import type { Context } from '../context.ts'
import { readServerImage } from '../ncloud/reads.ts'
import { invalidInput, Problem } from '../problem.ts'
import { type Creation, created, notCreated } from './creation.ts'
import { save } from './record.ts'

/** A person's decision on a conflict: the number of the image, or none. */
export type Resolution = { imageNo: string } | { abandon: true }

/**
 * Settles a conflict by a person's decision.
 * @throws Problem `invalid-input` if there is no conflict or the image has another name; `image-not-found`, `upstream-…`
 */
export async function settle(
  creation: Creation,
  resolution: Resolution,
  context: Context,
): Promise<Creation> {
  if (creation.state !== 'conflict') {
    const detail = 'This creation is not in conflict, so there is nothing to settle'
    throw new Problem('invalid-input', detail)
  }
  if ('abandon' in resolution) {
    return save(notCreated(creation, 'resolved', context), context)
  }
  const { regionCode, content } = creation
  const address = { imageNo: resolution.imageNo, regionCode }
  const image = await readServerImage(address, context)
  if (image.name !== content.name) {
    throw invalidInput([
      { path: 'imageNo', message: 'must be an image with the name of the creation' },
    ])
  }
  return save(created(creation, image, context, 'resolved'), context)
}

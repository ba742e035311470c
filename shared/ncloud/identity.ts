import type { Image } from '../image.ts'
import { upstreamProblem } from './fault.ts'

/** The number or the name that an answer about one image must have, or both. */
export type Identity = Partial<Pick<Image, 'imageNo' | 'name'>>

/** True if an image has the number and the name that were asked for, as far as they were. */
export function isAbout(image: Image, { imageNo, name }: Identity): boolean {
  return image.imageNo === (imageNo ?? image.imageNo) && image.name === (name ?? image.name)
}

/**
 * Returns an image if it is the one that was asked for. NAVER Cloud has answered with the row of another image.
 * @throws Problem `upstream-malformed`
 */
export function mustBeAbout(image: Image, asked: Identity): Image {
  if (isAbout(image, asked)) return image
  throw upstreamProblem('malformed', { action: image.upstream.action })
}

import type { Context } from '../context.ts'
import { MINUTE_MS, SECOND_MS } from '../durations.ts'
import { type Image, isFinal } from '../image.ts'
import { toProblem } from '../log.ts'
import { readServerImage } from '../ncloud/reads.ts'
import { type Creation, hadImageAt, nextLook, waiting, withImage } from './creation.ts'
import { put } from './record.ts'

/** The age up to which an image that is missing from answers does not count as gone. */
const APPEARS_WITHIN_MS = 15 * MINUTE_MS
const FRESH_MS = 5 * SECOND_MS

/** Reads the image again and schedules the next read, until the image is final or a day has passed. */
export async function follow(creation: Creation, context: Context): Promise<Creation> {
  const next = await refreshed(creation, context)
  return next === creation
    ? put(waiting(creation, nextLook(creation, context.clock.now())), context)
    : next
}

/** Reads the image of a creation again. A failed read does not change the creation. */
export async function refreshed(creation: Creation, context: Context): Promise<Creation> {
  const { clock } = context
  const { image, regionCode } = creation
  if (!image) return creation
  let read: Image
  try {
    read = await readServerImage({ imageNo: image.imageNo, regionCode }, context)
  } catch (error) {
    const { code, extras } = toProblem(error, context.log)
    // Compared by the gateway's clock, because the clocks of two relays may differ by more than the image's age.
    const madeAt = image.createdAt === null ? hadImageAt(creation) : Date.parse(image.createdAt)
    const isGone = (extras.gatewayTime ?? 0) >= madeAt + APPEARS_WITHIN_MS
    if (code !== 'image-not-found' || !isGone) return creation
    read = { ...image, phase: 'gone' }
  }
  return put(withImage(creation, read, clock.now()), context)
}

/** Returns the creation for a reader. Reads the image again unless it is final or was read in the last 5 s. */
export async function current(creation: Creation, context: Context): Promise<Creation> {
  const { image, imageReadAt } = creation
  if (!image || isFinal(image.phase)) return creation
  const isFresh = context.clock.now() < (imageReadAt ?? 0) + FRESH_MS
  return isFresh ? creation : refreshed(creation, context)
}

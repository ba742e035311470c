import type { Context } from '../context.ts'
import { type Image, isFinal } from '../image.ts'
import { toProblem } from '../log.ts'
import { readServerImage } from '../ncloud/reads.ts'
import { MINUTE_MS, SECOND_MS } from '../web/durations.ts'
import { hadImageAt, nextLook, type Operation, postponeLook, updateImage } from './operation.ts'
import { put } from './record.ts'

/** The age up to which an image that is missing from answers does not count as gone. */
const APPEARS_WITHIN_MS = 15 * MINUTE_MS
const FRESH_MS = 5 * SECOND_MS

/** Reads the image again and schedules the next read, until the image is final or a day has passed. */
export async function follow(operation: Operation, context: Context): Promise<Operation> {
  const next = await refreshImage(operation, context)
  return next === operation
    ? put(postponeLook(operation, nextLook(operation, context.clock.now())), context)
    : next
}

/** Reads the image of an operation again. A failed read does not change the operation. */
export async function refreshImage(operation: Operation, context: Context): Promise<Operation> {
  const { image, regionCode } = operation
  if (!image) return operation
  let read: Image
  try {
    read = await readServerImage({ imageNo: image.imageNo, regionCode }, context)
  } catch (error) {
    const { code, extras } = toProblem(error, context.log)
    // Compared by the gateway's clock, because the clocks of two relays may differ by more than the image's age.
    const madeAt = image.createdAt === null ? hadImageAt(operation) : Date.parse(image.createdAt)
    const isGone = (extras.gatewayTime ?? 0) >= madeAt + APPEARS_WITHIN_MS
    if (code !== 'image-not-found' || !isGone) return operation
    read = { ...image, phase: 'gone' }
  }
  return put(updateImage(operation, read, context), context)
}

/** Returns the operation for a reader. Reads the image again unless it is final or was read in the last 5 s. */
export async function refreshIfStale(operation: Operation, context: Context): Promise<Operation> {
  const { image, imageReadAt } = operation
  if (!image || isFinal(image.phase)) return operation
  const isFresh = context.clock.now() < (imageReadAt ?? 0) + FRESH_MS
  return isFresh ? operation : refreshImage(operation, context)
}

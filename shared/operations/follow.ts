import type { Context } from '../context.ts'
import { type Image, isFinal } from '../image.ts'
import { toProblem } from '../log.ts'
import { readServerImage } from '../ncloud/reads.ts'
import { MINUTE_MS, SECOND_MS } from '../web/durations.ts'
import { hadImageAt, type Operation, updateImage } from './operation.ts'
import { save } from './save.ts'

/** The age up to which an image that is missing from answers does not count as gone. */
const APPEARS_WITHIN_MS = 15 * MINUTE_MS
const FRESH_MS = 5 * SECOND_MS

/** Reads the image of an operation; `undefined` if it cannot be read. An image without a row for too long is gone. */
export async function readAgain(
  operation: Operation,
  context: Context,
): Promise<Image | undefined> {
  const { image, regionCode } = operation
  if (!image) return undefined
  try {
    return await readServerImage({ imageNo: image.imageNo, regionCode }, context)
  } catch (error) {
    const { code, extras } = toProblem(error, context.log)
    // Compared by the gateway's clock, because the clocks of two relays may differ by more than the image's age.
    const madeAt = image.createdAt === null ? hadImageAt(operation) : Date.parse(image.createdAt)
    const isGone = (extras.gatewayTime ?? 0) >= madeAt + APPEARS_WITHIN_MS
    return code === 'image-not-found' && isGone ? { ...image, phase: 'gone' } : undefined
  }
}

/** Reads the image of an operation again, and stores it. A failed read does not change the operation. */
export async function refreshImage(operation: Operation, context: Context): Promise<Operation> {
  const image = await readAgain(operation, context)
  return image ? save(operation, updateImage(operation, image, context), context) : operation
}

/** Returns the operation for a reader. Reads the image again unless it is final or was read in the last 5 s. */
export async function refreshIfStale(operation: Operation, context: Context): Promise<Operation> {
  const { image, imageReadAt } = operation
  if (!image || isFinal(image.phase)) return operation
  const isFresh = context.clock.now() < (imageReadAt ?? 0) + FRESH_MS
  return isFresh ? operation : refreshImage(operation, context)
}

import type { getImage, listImages } from '../../shared/api/images.ts'
import type { listSnapshots } from '../../shared/api/snapshots.ts'
import { type Image, isFinal } from '../../shared/image.ts'
import type { Answering } from './route.ts'
import { PENDING_RETRY_AFTER_SECONDS, preferenceApplied } from './wait.ts'

/** Answers with one image; a caller can wait until it is final. */
export function oneImage(row: typeof getImage): Answering<Image> {
  return {
    reply: (image, context) => ({ ...imagesReply([image]), headers: preferenceApplied(context) }),
    wait: {
      isDone: ({ phase }) => isFinal(phase),
      again(image, context) {
        const { imageNo: no, regionCode } = image
        const read = () => row.run({ no, regionCode }, context)
        const subject = `${row.name} ${regionCode} ${no}`
        return context.polls.share(subject, image, context.clock.now(), read)
      },
    },
  }
}

/** Answers with a page of images. */
export const images: Answering<Awaited<ReturnType<typeof listImages.run>>> = {
  reply: ({ items }) => imagesReply(items),
}

/** Answers with snapshots. */
export const snapshots: Answering<Awaited<ReturnType<typeof listSnapshots.run>>> = {
  reply: (rows) => ({
    status: 200,
    lines: rows.map(
      ({ snapshot: { snapshotNo, name, phase } }) => `${snapshotNo} ${name} ${phase}`,
    ),
  }),
}

function imagesReply(items: Image[]) {
  const isPending = items.some(({ phase }) => !isFinal(phase))
  return {
    status: 200 as const,
    lines: items.map(({ imageNo, name, phase }) => `${imageNo} ${name} ${phase}`),
    retryAfterSeconds: isPending ? PENDING_RETRY_AFTER_SECONDS : undefined,
  }
}

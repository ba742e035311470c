import { isFinal } from '../image.ts'
import { type CreationEnded, type Ending, type Notice, noticesOf } from '../notice.ts'
import { laneOf } from '../question.ts'
import type { Creation } from './creation.ts'

/** Adds notices for the known targets if the creation has a result that was not announced yet. */
export function withNotices(
  creation: Creation,
  targets: string[],
  at: number,
): { next: Creation; notices: Notice[] } {
  const { creationId, told = [], notify, replyTo } = creation
  const event = endOf(creation, at)
  if (!event || event.what === told.at(-1)) return { next: creation, notices: [] }
  const idOf = (count: number) => `${creationId}_${count}`
  const before = told.length > 0 ? idOf(told.length) : undefined
  const next = { ...creation, told: [...told, event.what] }
  const noticesFor = (names: string[]) => {
    const known = names.filter((name) => targets.includes(name))
    return noticesOf(known, idOf(next.told.length), event, before)
  }
  const asker = replyTo ? noticesFor([laneOf(replyTo.chat)]) : []
  const notices = [
    ...noticesFor(notify),
    ...asker.map((notice) => ({ ...notice, to: replyTo, besides: notify })),
  ]
  return { next, notices }
}

/** Returns the event that a creation has ended; `undefined` while it is in progress. */
export function endOf(creation: Creation, at: number): CreationEnded | undefined {
  const { creationId, content, regionCode, run, image, problem } = creation
  const what = endingOf(creation)
  return (
    what && {
      what,
      at,
      creationId,
      job: run?.job,
      name: content.name,
      regionCode,
      imageNo: image?.imageNo,
      sizeGb: image?.sizeGb,
      seconds: Math.max(1, Math.round((at - creation.createdAt) / 1_000)),
      problem,
    }
  )
}

/** Returns the result of a creation; `undefined` while it is in progress. */
function endingOf({ state, image, dueAt }: Creation): Ending | undefined {
  switch (state) {
    case 'rejected':
    case 'not_created':
    case 'conflict':
      return state
    case 'created':
      if (image && isFinal(image.phase)) return image.phase
      return dueAt === null ? 'timed_out' : undefined
    default:
      return undefined
  }
}

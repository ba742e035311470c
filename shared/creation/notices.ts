import { isFinal } from '../image.ts'
import { type Ending, type Notice, noticesOf } from '../notice.ts'
import type { Creation } from './creation.ts'

/** The same, and what is to be told of it, to whom it can be, where it has come to an end that nobody was told of. */
export function withNotices(
  creation: Creation,
  targets: string[],
  at: number,
): { next: Creation; notices: Notice[] } {
  const { creationId, told = [], notify, content, regionCode, run, image, problem } = creation
  const what = endingOf(creation)
  if (!what || what === told.at(-1)) return { next: creation, notices: [] }
  const event = {
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
  const known = notify.filter((name) => targets.includes(name))
  const idOf = (count: number) => `${creationId}_${count}`
  const before = told.length > 0 ? idOf(told.length) : undefined
  const next = { ...creation, told: [...told, what] }
  return { next, notices: noticesOf(known, idOf(next.told.length), event, before) }
}

/** How it ended, so far as it did. */
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

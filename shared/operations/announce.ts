import { channelTarget } from '../chat/command.ts'
import { isFinal } from '../image.ts'
import { type Ending, type Notice, noticesOf, type OperationEnded } from '../outbox/notice.ts'
import type { Operation } from './operation.ts'

/** Adds notices for the known targets if the operation has a result that was not announced yet. */
export function withNotices(
  operation: Operation,
  targets: string[],
  at: number,
): { next: Operation; notices: Notice[] } {
  const { operationId, announced = [], notify, replyTo } = operation
  const event = endOf(operation, at)
  if (!event || event.what === announced.at(-1)) return { next: operation, notices: [] }
  const idOf = (count: number) => `${operationId}_${count}`
  const before = announced.length > 0 ? idOf(announced.length) : undefined
  const next = { ...operation, announced: [...announced, event.what] }
  const noticesFor = (names: string[]) => {
    const known = names.filter((name) => targets.includes(name))
    return noticesOf(known, idOf(next.announced.length), event, before)
  }
  const asker = replyTo ? noticesFor([channelTarget(replyTo.chat)]) : []
  const notices = [
    ...noticesFor(notify),
    ...asker.map((notice) => ({ ...notice, to: replyTo, besides: notify })),
  ]
  return { next, notices }
}

/** Returns the event that an operation has ended; `undefined` while it is in progress. */
export function endOf(operation: Operation, at: number): OperationEnded | undefined {
  const { operationId, name, regionCode, run, result, problem } = operation
  const what = endingOf(operation)
  return (
    what && {
      what,
      at,
      operationId,
      job: run?.job,
      name,
      regionCode,
      imageNo: result?.imageNo,
      sizeGb: result?.sizeGb,
      seconds: Math.max(1, Math.round((at - operation.createdAt) / 1_000)),
      problem,
    }
  )
}

/** Returns the result of an operation; `undefined` while it is in progress. */
function endingOf({ state, result, dueAt }: Operation): Ending | undefined {
  switch (state) {
    case 'rejected':
    case 'not_applied':
    case 'conflict':
      return state
    case 'applied':
      if (result && isFinal(result.phase)) return result.phase
      return dueAt === null ? 'stalled' : undefined
    default:
      return undefined
  }
}

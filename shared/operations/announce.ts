import { channelTarget } from '../chat/command.ts'
import { isFinal } from '../image.ts'
import { type Ending, type Notice, noticesOf, type OperationEnded } from '../outbox/notice.ts'
import { HOUR_MS } from '../web/durations.ts'
import type { Operation } from './operation.ts'

/** The time for which an outcome is unknown before people are notified of it. */
const UNKNOWN_LIMIT_MS = HOUR_MS

/**
 * Adds notices for the known targets if the operation has a result that was not announced yet, or once if its outcome has been
 * unknown for an hour.
 */
export function withNotices(
  operation: Operation,
  targets: string[],
  at: number,
): { next: Operation; notices: Notice[] } {
  const { operationId, announced = [], notify, replyTo } = operation
  const event = endOf(operation, at) ?? longUnknownOf(operation, at)
  const isAnnounced =
    event?.what === 'unknown' ? announced.includes(event.what) : event?.what === announced.at(-1)
  if (!event || isAnnounced) return { next: operation, notices: [] }
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
  const what = endingOf(operation)
  return what && eventOf(operation, what, at)
}

/** Returns the event that the outcome of an operation has been unknown for an hour; `undefined` if it has not. */
function longUnknownOf(operation: Operation, at: number): OperationEnded | undefined {
  // In this state every update of the record is a change to this state.
  const isLong = operation.state === 'unknown' && at >= operation.updatedAt + UNKNOWN_LIMIT_MS
  return isLong ? eventOf(operation, 'unknown', at) : undefined
}

function eventOf(operation: Operation, what: Ending, at: number): OperationEnded {
  const { operationId, name, regionCode, run, result, problem, createdAt } = operation
  return {
    what,
    at,
    operationId,
    job: run?.job,
    name,
    regionCode,
    imageNo: result?.imageNo,
    sizeGb: result?.sizeGb,
    seconds: Math.max(1, Math.round((at - createdAt) / 1_000)),
    problem,
  }
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

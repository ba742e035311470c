import type { Context } from '../context.ts'
import { logDefect, reasonOf } from '../log.ts'
import type { Clock } from '../web/clock.ts'
import { retryAfterSeconds } from '../web/retry-after.ts'
import type { Transport } from '../web/transport.ts'
import { done, type Notice, rescheduleNotice, tried } from './notice.ts'
import { notificationOf } from './notification.ts'
import { requestTo, type Target } from './webhooks.ts'
import type { Language } from './wording/languages.ts'

/** The time limit of one delivery, in milliseconds. */
export const DELIVERY_MS = 10_000
/** The maximum number of notices that are read for a target at once; the others stay due. */
const MAX_AT_ONCE = 20
/** The statuses of temporary refusals (RFC 9110, 15.5.9; RFC 8470; RFC 6585). */
const TEMPORARY = [408, 425, 429]

/** The result of one delivery. */
export interface Told {
  /** The status of the answer; 0 if there was none. */
  status: number
  /** The pause that the target asks for; 0 if none. */
  waitSeconds: number
}

/** Attempts one delivery of a notice to a target. */
export type Teller = (notice: Notice, context: Context) => Promise<Told>

/** The options of notifications. */
export interface Mail {
  language: Language
  /** The page where people see their images. */
  console: string
  transport: Transport
}

/** Returns a function that delivers events to the webhook of a target. */
export function tellerOf(target: Target, mail: Mail, { now }: Clock): Teller {
  return async ({ id, event }) => {
    if (event.what === 'asked') return REFUSED
    const notification = notificationOf(event, mail.language, mail.console)
    const request = await requestTo(target, notification, id, now())
    const { status, headers } = await mail.transport(request, DELIVERY_MS)
    return { status, waitSeconds: retryAfterSeconds(headers) ?? 0 }
  }
}

/** The result for a notice that must not be retried (RFC 9110, 15.5.11). */
export const REFUSED: Told = { status: 410, waitSeconds: 0 }

/**
 * Delivers due notices, in one queue for each target. Makes a second pass once this tick's other work is done (`more`). A
 * failing target does not delay the others. Its notices are retried at growing intervals for three days.
 */
export async function deliver(
  tellers: Record<string, Teller>,
  more: Promise<unknown>,
  context: Context,
): Promise<void> {
  const { store, clock } = context

  async function deliverDue(name: string, teller: Teller): Promise<void> {
    for (const notice of await store.dueNotices(name, clock.now(), MAX_AT_ONCE)) {
      if (clock.now() + DELIVERY_MS > context.deadline) return
      if (await mustWait(notice)) continue
      const booked = tried(notice, clock.now())
      // Stored first: only one of two simultaneous ticks delivers it, and a later tick retries if this process stops.
      if (!(await store.replaceNotice(booked))) continue
      const isReached = await tellOnce(booked, teller, context)
      if (!isReached) return
    }
  }

  /** Reschedules a notice after its predecessor so that it cannot block the queue. */
  async function mustWait(notice: Notice): Promise<boolean> {
    const before = notice.after && (await store.readNotice(notice.target, notice.after))
    if (!before || before.dueAt === null) return false
    await store.replaceNotice(rescheduleNotice(notice, before.dueAt + 1))
    return true
  }

  async function deliverQueue([name, teller]: [string, Teller]): Promise<void> {
    try {
      await deliverDue(name, teller)
      await more
      await deliverDue(name, teller)
    } catch (error) {
      logDefect(error, context.log)
    }
  }

  await Promise.all(Object.entries(tellers).map(deliverQueue))
}

/** Delivers a notice whose next attempt is scheduled, and stores the result. Returns `false` if a retry is needed. */
export async function tellOnce(
  booked: Notice,
  teller: Teller,
  context: Context /*FROM { store, clock }*/,
): Promise<boolean> {
  const { store, clock } = context
  const startedAt = clock.now()
  const { status, reason, waitSeconds } = await tryDelivery(booked, teller, context)
  const outcome = outcomeOf(status)
  if (outcome) await store.replaceNotice(done(booked))
  else if (waitSeconds > 0) {
    await store.replaceNotice(rescheduleNotice(booked, clock.now() + waitSeconds * 1_000))
  }
  const { target, event, dueAt, tries } = booked
  context.log({
    event: 'notification',
    target,
    ...('operationId' in event && { operationId: event.operationId }),
    ...('imageNo' in event && event.imageNo && { imageNo: event.imageNo }),
    state: outcome ?? (dueAt === null ? 'given_up' : 'pending'),
    attempt: tries,
    milliseconds: clock.now() - startedAt,
    ...(status > 0 && { status }),
    ...(reason && { reason }),
  })
  return outcome !== undefined
}

async function tryDelivery(notice: Notice, teller: Teller, context: Context) {
  try {
    return { ...(await teller(notice, context)), reason: undefined }
  } catch (error) {
    return { status: 0, waitSeconds: 0, reason: reasonOf(error) }
  }
}

/** Returns the final result of a delivery by its status; `undefined` if the notice must be retried. */
export function outcomeOf(status: number): 'delivered' | 'refused' | undefined {
  if (status >= 200 && status < 300) return 'delivered'
  return status >= 300 && status < 500 && !TEMPORARY.includes(status) ? 'refused' : undefined
}

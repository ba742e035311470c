import type { Context } from '../context.ts'
import { reasonOf, toProblem } from '../log.ts'
import type { Clock } from '../web/clock.ts'
import { retryAfterSeconds } from '../web/retry-after.ts'
import type { Transport } from '../web/transport.ts'
import { done, type Notice, noticeId, noticeRecord, rescheduleNotice, tried } from './notice.ts'
import { notificationOf } from './notification.ts'
import { requestTo, type Target } from './webhooks.ts'
import type { Language } from './wording/languages.ts'

/** The time limit of one delivery, in milliseconds. */
export const DELIVERY_MS = 10_000
const PAGE_SIZE = 20
/** The statuses of temporary refusals (RFC 9110, 15.5.9; RFC 8470; RFC 6585). */
const TEMPORARY = [408, 425, 429]

/** The result of one delivery. */
export interface DeliveryResult {
  /** Final, or to be retried, after a pause if the target asks for one. */
  outcome: 'delivered' | 'refused' | { retryAfterSeconds?: number | undefined }
  /** The HTTP status of the answer, for the log. */
  status?: number
}

/** Attempts one delivery of a notice to a target. */
export type Notifier = (notice: Notice, context: Context) => Promise<DeliveryResult>

/** The options of notifications. */
export interface NotificationOptions {
  language: Language
  /** The page where people see their images. */
  console: string
  transport: Transport
}

/** Returns a function that delivers events to the webhook of a target. */
export function webhookNotifier(
  target: Target,
  { language, console, transport }: NotificationOptions,
  { now }: Clock,
): Notifier {
  return async ({ id, event }) => {
    if (event.what === 'command') return REFUSED
    const notification = notificationOf(event, language, console)
    const request = await requestTo(target, notification, id, now())
    const { status, headers } = await transport(request, DELIVERY_MS)
    return resultOf(status, retryAfterSeconds(headers))
  }
}

/** The result for a notice that must not be retried. */
export const REFUSED: DeliveryResult = { outcome: 'refused' }

/**
 * Delivers due notices, in one queue for each target. Makes a second pass once this tick's other work is done (`more`). A
 * failing target does not delay the others. Its notices are retried at growing intervals for three days.
 */
export async function deliver(
  notifiers: Record<string, Notifier>,
  more: Promise<unknown>,
  context: Context,
): Promise<void> {
  const { store, clock } = context

  /** Delivers what is due, page by page, until nothing is left, the target fails, or the time is over. */
  async function deliverDue(name: string, notifier: Notifier): Promise<void> {
    for (let delivered = 1; delivered > 0; ) {
      delivered = 0
      const query = { target: name, now: clock.now(), limit: PAGE_SIZE }
      for (const notice of await store.due('notice', query)) {
        if (clock.now() + DELIVERY_MS > context.deadline) return
        if (await mustWait(notice)) continue
        const booked = tried(notice, clock.now())
        // Stored first: only one of two simultaneous ticks delivers it, and a later tick retries if this process stops.
        if (!(await store.commit([noticeRecord(booked)]))) continue
        if (!(await attemptDelivery(booked, notifier, context))) return
        delivered++
      }
    }
  }

  /** Reschedules a notice after its predecessor so that it cannot block the queue. */
  async function mustWait(notice: Notice): Promise<boolean> {
    const before =
      notice.after && (await store.get('notice', noticeId(notice.target, notice.after)))
    if (!before || before.dueAt === null) return false
    await store.commit([noticeRecord(rescheduleNotice(notice, before.dueAt + 1))])
    return true
  }

  async function deliverQueue([name, notifier]: [string, Notifier]): Promise<void> {
    try {
      await deliverDue(name, notifier)
      await more
      await deliverDue(name, notifier)
    } catch (error) {
      toProblem(error, context.log)
    }
  }

  await Promise.all(Object.entries(notifiers).map(deliverQueue))
}

/** Delivers a notice whose next attempt is scheduled, and stores the result. Returns `false` if a retry is needed. */
export async function attemptDelivery(
  booked: Notice,
  notifier: Notifier,
  context: Context,
): Promise<boolean> {
  const { store, clock } = context
  const startedAt = clock.now()
  const { outcome, status, reason } = await tryDelivery(booked, notifier, context)
  const isFinal = typeof outcome === 'string'
  if (isFinal) await store.commit([noticeRecord(done(booked))])
  else if (outcome.retryAfterSeconds) {
    const until = clock.now() + outcome.retryAfterSeconds * 1_000
    await store.commit([noticeRecord(rescheduleNotice(booked, until))])
  }
  const { target, event, dueAt, tries } = booked
  context.log({
    event: 'notification',
    target,
    ...('operationId' in event && { operationId: event.operationId }),
    ...('imageNo' in event && event.imageNo && { imageNo: event.imageNo }),
    state: isFinal ? outcome : dueAt === null ? 'given_up' : 'pending',
    attempt: tries,
    milliseconds: clock.now() - startedAt,
    ...(status && { status }),
    ...(reason && { reason }),
  })
  return isFinal
}

async function tryDelivery(
  notice: Notice,
  notifier: Notifier,
  context: Context,
): Promise<DeliveryResult & { reason?: string | undefined }> {
  try {
    return await notifier(notice, context)
  } catch (error) {
    return { outcome: {}, reason: reasonOf(error) }
  }
}

/** Returns the result of a delivery by the HTTP status of its answer. */
export function resultOf(status: number, retryAfterSeconds: number | undefined): DeliveryResult {
  if (status >= 200 && status < 300) return { outcome: 'delivered', status }
  const isRefused = status >= 300 && status < 500 && !TEMPORARY.includes(status)
  return { outcome: isRefused ? 'refused' : { retryAfterSeconds }, status }
}

import type { Clock } from '../clock.ts'
import { logDefect, reasonOf } from '../log.ts'
import { done, type Notice, rescheduleNotice, tried } from '../notice.ts'
import { notificationOf } from '../notification.ts'
import { requestTo, type Target } from '../notify.ts'
import type { Language } from '../outbox/wording/languages.ts'
import { retryAfterSeconds } from '../retry-after.ts'
import type { Transport } from '../transport.ts'
import type { Work } from '../work.ts'
import type { Ports } from './ports.ts'

/** The time limit of one request. */
export const DELIVERY_MS = 10_000
/** The most deliveries to a target at once; the rest stays due. */
const MAX_AT_ONCE = 20
/** Refusals that may pass by themselves (RFC 9110, 15.5.9; RFC 8470; RFC 6585). */
const PASSING = [408, 425, 429]

/** The result of a delivery. */
export interface Told {
  /** The status of the answer; 0 if there was none. */
  status: number
  /** How long the target asks for a pause. */
  waitSeconds: number
}

/** Delivers a notice to a target, once. */
export type Teller = (notice: Notice, work: Work) => Promise<Told>

/** The options of notifications. */
export interface Mail {
  language: Language
  /** The page where people see their images. */
  console: string
  transport: Transport
}

/** Returns a function that delivers events to a target. */
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
 * Delivers due notices, one queue for each target, and a second time once this tick's other work is done (`more`). A target
 * in trouble delays no other; its notices are tried again at growing gaps, for three days.
 */
export async function deliver(
  tellers: Record<string, Teller>,
  ports: Ports,
  work: Work,
  more: Promise<unknown>,
): Promise<void> {
  const { store, clock } = ports

  async function tell(name: string, teller: Teller): Promise<void> {
    for (const notice of await store.dueNotices(name, clock.now(), MAX_AT_ONCE)) {
      if (clock.now() + DELIVERY_MS > work.deadline) return
      if (await mustWait(notice)) continue
      const booked = tried(notice, clock.now())
      // Two ticks at once do not deliver it twice, and a process that stops here is not the last to try.
      if (!(await store.replaceNotice(booked))) continue
      const isReached = await tellOnce(booked, teller, ports, work)
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

  async function lane([name, teller]: [string, Teller]): Promise<void> {
    try {
      await tell(name, teller)
      await more
      await tell(name, teller)
    } catch (error) {
      logDefect(error, work.log)
    }
  }

  await Promise.all(Object.entries(tellers).map(lane))
}

/** Delivers a notice whose next try is booked, and stores the result. `false` if the target is in trouble. */
export async function tellOnce(
  booked: Notice,
  teller: Teller,
  { store, clock }: Ports,
  work: Work,
): Promise<boolean> {
  const startedAt = clock.now()
  const { status, reason, waitSeconds } = await told(booked, teller, work)
  const outcome = outcomeOf(status)
  if (outcome) await store.replaceNotice(done(booked))
  else if (waitSeconds > 0) {
    await store.replaceNotice(rescheduleNotice(booked, clock.now() + waitSeconds * 1_000))
  }
  const { target, event, dueAt, tries } = booked
  work.log({
    event: 'notification',
    target,
    ...('creationId' in event && { creationId: event.creationId }),
    ...('imageNo' in event && event.imageNo && { imageNo: event.imageNo }),
    state: outcome ?? (dueAt === null ? 'given_up' : 'pending'),
    attempt: tries,
    milliseconds: clock.now() - startedAt,
    ...(status > 0 && { status }),
    ...(reason && { reason }),
  })
  return outcome !== undefined
}

async function told(notice: Notice, teller: Teller, work: Work) {
  try {
    return { ...(await teller(notice, work)), reason: undefined }
  } catch (error) {
    return { status: 0, waitSeconds: 0, reason: reasonOf(error) }
  }
}

/** Returns how an answer ends a notice; `undefined` if it is to be tried again. */
export function outcomeOf(status: number): 'delivered' | 'refused' | undefined {
  if (status >= 200 && status < 300) return 'delivered'
  return status >= 300 && status < 500 && !PASSING.includes(status) ? 'refused' : undefined
}

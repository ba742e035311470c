import { logDefect, reasonOf } from '../log.ts'
import type { Language } from '../messages.ts'
import { done, type Notice, postponed, tried } from '../notice.ts'
import { notificationOf } from '../notification.ts'
import { requestTo, type Target } from '../notify.ts'
import { retryAfterSeconds } from '../retry-after.ts'
import type { Incoming, Transport } from '../transport.ts'
import type { Work } from '../work.ts'
import type { Ports } from './ports.ts'

/** Less than the first gap between two tries. */
const DELIVERY_MS = 10_000
/** Bounds one tick's deliveries to a target: what is left over stays due. */
const MOST_AT_ONCE = 20
/** Refusals that may pass by themselves (RFC 9110, 15.5.9; RFC 8470; RFC 6585). */
const PASSING = [408, 425, 429]

/** How people are told. */
export interface Mail {
  targets: Record<string, Target>
  language: Language
  /** The page where people see their images. */
  console: string
  transport: Transport
}

/**
 * Tells every target what it is to be told by now, and what it is to be told once more has happened. One that is in trouble
 * keeps no other waiting; what it was not told is tried again at growing gaps, for three days.
 */
export async function deliver(
  mail: Mail,
  ports: Ports,
  work: Work,
  more: Promise<unknown>,
): Promise<void> {
  const { store, clock } = ports

  async function tell(name: string, target: Target): Promise<void> {
    for (const notice of await store.dueNotices(name, clock.now(), MOST_AT_ONCE)) {
      if (clock.now() + DELIVERY_MS > work.deadline) return
      if (await isPutOff(notice)) continue
      const isReached = await tryOnce(notice, target)
      if (!isReached) return
    }
  }

  /** Puts a notice behind the one that is to be told before it: where it stood, it might hide that one for ever. */
  async function isPutOff(notice: Notice): Promise<boolean> {
    const before = notice.after && (await store.readNotice(notice.target, notice.after))
    if (!before || before.dueAt === null) return false
    await store.replaceNotice(postponed(notice, before.dueAt + 1))
    return true
  }

  /** Tries a notice once; `false` where the target is in trouble, so that others had better wait. */
  async function tryOnce(notice: Notice, target: Target): Promise<boolean> {
    const booked = tried(notice, clock.now())
    // Two ticks at once do not tell it twice; and who ends here is not the last to try.
    if (!(await store.replaceNotice(booked))) return true
    const startedAt = clock.now()
    const { status, reason, waitSeconds } = await sent(booked, target)
    const end = endOf(status)
    if (end) await store.replaceNotice(done(booked))
    else if (waitSeconds > 0) {
      await store.replaceNotice(postponed(booked, clock.now() + waitSeconds * 1_000))
    }
    work.log({
      event: 'notification',
      target: notice.target,
      ...('creationId' in notice.event && { creationId: notice.event.creationId }),
      state: end ?? (booked.dueAt === null ? 'given_up' : 'pending'),
      attempt: booked.tries,
      milliseconds: clock.now() - startedAt,
      ...(status > 0 && { status }),
      ...(reason && { reason }),
    })
    return end !== undefined
  }

  async function sent({ id, event }: Notice, target: Target) {
    const notification = notificationOf(event, mail.language, mail.console)
    try {
      const request = await requestTo(target, notification, id, clock.now())
      const { status, headers }: Incoming = await mail.transport(request, DELIVERY_MS)
      return { status, waitSeconds: retryAfterSeconds(headers) ?? 0 }
    } catch (error) {
      return { status: 0, waitSeconds: 0, reason: reasonOf(error) }
    }
  }

  async function lane([name, target]: [string, Target]): Promise<void> {
    try {
      await tell(name, target)
      await more
      await tell(name, target)
    } catch (error) {
      logDefect(error, work.log)
    }
  }

  await Promise.all(Object.entries(mail.targets).map(lane))
}

/** How an answer ends a notice; `undefined` where it is to be tried again, or there was no answer. */
function endOf(status: number): 'delivered' | 'refused' | undefined {
  if (status >= 200 && status < 300) return 'delivered'
  return status >= 300 && status < 500 && !PASSING.includes(status) ? 'refused' : undefined
}

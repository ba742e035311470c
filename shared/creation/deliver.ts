import type { Clock } from '../clock.ts'
import { logDefect, reasonOf } from '../log.ts'
import type { Language } from '../messages.ts'
import { done, type Notice, postponed, tried } from '../notice.ts'
import { notificationOf } from '../notification.ts'
import { requestTo, type Target } from '../notify.ts'
import { retryAfterSeconds } from '../retry-after.ts'
import type { Transport } from '../transport.ts'
import type { Work } from '../work.ts'
import type { Ports } from './ports.ts'

/** How long one request may take. */
export const DELIVERY_MS = 10_000
/** Bounds one tick's deliveries to a target: what is left over stays due. */
const MOST_AT_ONCE = 20
/** Refusals that may pass by themselves (RFC 9110, 15.5.9; RFC 8470; RFC 6585). */
const PASSING = [408, 425, 429]

/** What came of telling somebody. */
export interface Told {
  /** The status of the answer; 0 where there was none. */
  status: number
  /** So long the target wants to be left alone. */
  waitSeconds: number
}

/** Tells a target what a notice says, once. */
export type Teller = (notice: Notice, work: Work) => Promise<Told>

/** How people are told. */
export interface Mail {
  language: Language
  /** The page where people see their images. */
  console: string
  transport: Transport
}

/** Tells a target of events; nobody asks there. */
export function tellerOf(target: Target, mail: Mail, { now }: Clock): Teller {
  return async ({ id, event }) => {
    if (event.what === 'asked') return REFUSED
    const notification = notificationOf(event, mail.language, mail.console)
    const request = await requestTo(target, notification, id, now())
    const { status, headers } = await mail.transport(request, DELIVERY_MS)
    return { status, waitSeconds: retryAfterSeconds(headers) ?? 0 }
  }
}

/** As if a target wanted to hear nothing of it (RFC 9110, 15.5.11). */
export const REFUSED: Told = { status: 410, waitSeconds: 0 }

/**
 * Tells every target what it is to be told by now, and what it is to be told once more has happened. One that is in trouble
 * keeps no other waiting; what it was not told is tried again at growing gaps, for three days.
 */
export async function deliver(
  tellers: Record<string, Teller>,
  ports: Ports,
  work: Work,
  more: Promise<unknown>,
): Promise<void> {
  const { store, clock } = ports

  async function tell(name: string, teller: Teller): Promise<void> {
    for (const notice of await store.dueNotices(name, clock.now(), MOST_AT_ONCE)) {
      if (clock.now() + DELIVERY_MS > work.deadline) return
      if (await isPutOff(notice)) continue
      const booked = tried(notice, clock.now())
      // Two ticks at once do not tell it twice; and who ends here is not the last to try.
      if (!(await store.replaceNotice(booked))) continue
      const isReached = await tellOnce(booked, teller, ports, work)
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

/**
 * Tells what a notice that is booked says, and stores how that ended; `false` where the target is in trouble, so that others
 * had better wait.
 */
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
    await store.replaceNotice(postponed(booked, clock.now() + waitSeconds * 1_000))
  }
  const { target, event, dueAt, tries } = booked
  work.log({
    event: 'notification',
    target,
    ...('creationId' in event && { creationId: event.creationId }),
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

/** How an answer ends a notice; `undefined` where it is to be tried again, or there was no answer. */
export function outcomeOf(status: number): 'delivered' | 'refused' | undefined {
  if (status >= 200 && status < 300) return 'delivered'
  return status >= 300 && status < 500 && !PASSING.includes(status) ? 'refused' : undefined
}

import type { Context } from 'hono'
import type { Clock } from '../../shared/clock.ts'
import {
  DELIVERY_MS,
  outcomeOf,
  REFUSED,
  type Teller,
  type Told,
  tellOnce,
} from '../../shared/creation/deliver.ts'
import type { Ports } from '../../shared/creation/ports.ts'
import { type Log, problemSeen } from '../../shared/log.ts'
import { asked } from '../../shared/notice.ts'
import { Problem } from '../../shared/problem.ts'
import { callerName, type Question } from '../../shared/question.ts'
import type { Work } from '../../shared/work.ts'
import { storeless } from '../call.ts'
import type { Env, Reply } from '../reply.ts'
import { bytesOf } from '../validate.ts'
import type { Chat, Door } from './chat.ts'
import { type Answer, converse, type Desk } from './converse.ts'
import { endWording, wordingOf } from './message.ts'

/** What NAVER Cloud has not said by then is left to the tick; what is said in a request of its own needs time for that, too. */
const ANSWER_MS = 1_700
const ANSWER_AND_SAY_MS = 1_200
/** Every request is answered by then: Slack waits for three seconds, and some of them are the way's and a busy machine's. */
const REQUEST_MS = 2_000
/** What the store has to keep a question, even then. */
const KEEP_MS = 100
/** So long the tick leaves a question to the request that brought it. */
const GRACE_MS = 30_000
/** Half of what telling somebody may take; the other half is for the chat. */
const TICK_ANSWER_MS = DELIVERY_MS / 2
/** An answer that is older is of no use to anybody. */
const STALE_MS = 1_800_000

const NOTHING: Reply = { status: 200, body: undefined }

/** What the doors of chats need. */
export interface FrontDesk extends Desk {
  ports: Ports | undefined
  clock: Clock
  log: Log
}

/** Who is told in the place of an asker that can no longer be reached. */
export interface Fallback {
  /** Its name among the targets. */
  room: string
  teller: Teller
}

/** Tells a chat: answers what was asked there, and says how creations end, if need be elsewhere. */
export function chatTeller(chat: Chat, desk: FrontDesk, fallback: Fallback | undefined): Teller {
  const { clock } = desk

  async function answer(question: Question, isFirst: boolean, work: Work): Promise<Told> {
    if (clock.now() > question.at + STALE_MS) return REFUSED
    const deadline = Math.min(work.deadline, clock.now() + TICK_ANSWER_MS)
    const actor = callerName(question.replyTo)
    const found = await converse(question, desk, { ...work, actor, deadline })
    // The request that brought it had little time, and may have been frozen since; a tick has more.
    const isTooLate = isLate(found) || clock.now() > deadline
    if (isFirst && isTooLate) return { status: 0, waitSeconds: 0 }
    return chat.say(wordingOf(found), question.replaces ? 'replace' : 'one', question.replyTo)
  }

  return async (notice, work) => {
    const { event, to, besides, tries } = notice
    if (event.what === 'asked') return answer(event.question, tries === 1, work)
    if (!('creationId' in event) || !to) return REFUSED
    const told = clock.now() < to.until ? await chat.say(endWording(event), 'all', to) : REFUSED
    const isElsewhere = fallback && outcomeOf(told.status) === 'refused'
    // Who is told by name hears it once.
    return isElsewhere && !besides?.includes(fallback.room) ? fallback.teller(notice, work) : told
  }
}

/** Answers what comes in at a door, in time whatever NAVER Cloud does: what is not done by then is done by the tick. */
export function answerAt(door: Door, teller: Teller, desk: FrontDesk) {
  const { ports, clock } = desk

  async function answer(question: Question, startedAt: number, log: Log): Promise<Reply> {
    const deadline = startedAt + (door.bodyOf ? ANSWER_MS : ANSWER_AND_SAY_MS)
    const work = { actor: callerName(question.replyTo), deadline, log }

    /** What comes of it; `undefined` where that takes too long. Then it goes on, as far as the platform lets it. */
    function inTime<Result>(doing: Promise<Result>): Promise<Result | undefined> {
      const left = Math.max(KEEP_MS, startedAt + REQUEST_MS - clock.now())
      return Promise.race([doing, clock.sleep(left).then(() => undefined)])
    }

    /** Leaves the question to the tick, if it can be answered then. */
    async function leave(): Promise<Answer> {
      if (!ports || !question.replyTo.to) return TOO_LATE
      try {
        const kept = await inTime(ports.store.replaceNotice(asked(question, clock.now())))
        return kept === undefined ? TOO_LATE : { what: 'late' }
      } catch (error) {
        problemSeen(error, log)
        return TOO_LATE
      }
    }

    if (door.bodyOf) {
      const found = (await inTime(converse(question, desk, work))) ?? TOO_LATE
      const said = isLate(found) ? await leave() : found
      return { status: 200, body: await door.bodyOf(wordingOf(said), question) }
    }
    if (!ports) throw storeless()
    // First, so that nothing is lost; and what is sent again is known by it.
    const notice = asked(question, clock.now() + GRACE_MS)
    const isNew = await inTime(ports.store.replaceNotice(notice))
    // Whoever sent it must not take it for kept.
    if (isNew === undefined) throw new Problem('internal', 'The relay could not keep it in time')
    if (isNew) await inTime(tellOnce(notice, teller, ports, work))
    return NOTHING
  }

  return async (c: Context<Env>): Promise<Reply> => {
    const { startedAt: now } = c.env
    const bytes = await bytesOf(c)
    const question = await door.questionIn({ bytes, header: (name) => c.req.header(name), now })
    if (!question) return NOTHING
    const caller = callerName(question.replyTo)
    const { requestId } = c.env
    c.env.caller = caller
    return answer(question, now, (event) => desk.log({ ...event, requestId, caller }))
  }
}

const TOO_LATE: Answer = {
  what: 'problem',
  problem: new Problem('upstream-timeout', 'NAVER Cloud did not answer in time'),
}

function isLate(answer: Answer): boolean {
  return answer.what === 'problem' && answer.problem.code === 'upstream-timeout'
}

import type { Context } from 'hono'
import type { Clock } from '../../shared/clock.ts'
import {
  DELIVERY_MS,
  outcomeOf,
  REFUSED,
  type Teller,
  tellOnce,
} from '../../shared/creation/deliver.ts'
import type { Ports } from '../../shared/creation/ports.ts'
import type { Log } from '../../shared/log.ts'
import { asked } from '../../shared/notice.ts'
import { Problem } from '../../shared/problem.ts'
import { callerOf, type Question } from '../../shared/question.ts'
import { storeless } from '../call.ts'
import type { Env, Reply } from '../reply.ts'
import { bytesOf } from '../validate.ts'
import type { Chat, Door } from './chat.ts'
import { type Answer, converse, type Desk } from './converse.ts'
import { endWording, wordingOf } from './message.ts'

/** What NAVER Cloud has not said by then is left to the tick. */
const ANSWER_MS = 2_000
/** Every request is answered by then, and a little later where even the store is slow: Slack waits for three seconds. */
const REQUEST_MS = 2_300
const LEAST_MS = 100
/** So long the tick leaves a question to the request that brought it. */
const GRACE_MS = 30_000
/** Half of what telling somebody may take; the other half is for the chat. */
const TICK_ANSWER_MS = DELIVERY_MS / 2

const NOTHING: Reply = { status: 200, body: undefined }

/** What the doors of chats need. */
export interface FrontDesk extends Desk {
  ports: Ports | undefined
  clock: Clock
  log: Log
}

/** Tells a chat: answers what was asked there, and says how creations end; one whose asker cannot be reached, to `fallback`. */
export function chatTeller(chat: Chat, desk: FrontDesk, fallback: Teller | undefined): Teller {
  const { clock } = desk
  return async (notice, work) => {
    const { event, to, tries } = notice
    if (event.what === 'asked') {
      const { question } = event
      const deadline = Math.min(work.deadline, clock.now() + TICK_ANSWER_MS)
      const answer = await converse(question, desk, {
        ...work,
        actor: callerOf(question.replyTo),
        deadline,
      })
      // The request that brought it had little time; a tick has more.
      if (tries === 1 && isLate(answer)) return { status: 0, waitSeconds: 0 }
      return chat.say(wordingOf(answer), question.replaces ? 'replace' : 'one', question.replyTo)
    }
    if (!('creationId' in event) || !to) return REFUSED
    const told = clock.now() < to.until ? await chat.say(endWording(event), 'all', to) : REFUSED
    return fallback && outcomeOf(told.status) === 'refused' ? fallback(notice, work) : told
  }
}

/** Answers what comes in at a door, in time whatever NAVER Cloud does: what is not done by then is done by the tick. */
export function answerAt(door: Door, teller: Teller, desk: FrontDesk) {
  const { ports, clock } = desk

  async function answer(question: Question, startedAt: number, log: Log): Promise<Reply> {
    const work = { actor: callerOf(question.replyTo), deadline: startedAt + ANSWER_MS, log }

    /** What comes of it; `undefined` where that takes too long. Then it goes on, as far as the platform lets it. */
    function inTime<Result>(doing: Promise<Result>): Promise<Result | undefined> {
      const left = Math.max(LEAST_MS, startedAt + REQUEST_MS - clock.now())
      return Promise.race([doing, clock.sleep(left).then(() => undefined)])
    }

    /** Leaves the question to the tick. */
    async function leave(): Promise<Answer> {
      const isKept = ports && inTime(ports.store.replaceNotice(asked(question, clock.now())))
      return (await isKept) === undefined ? TOO_LATE : { what: 'late' }
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
    if (isNew) await inTime(tellOnce(notice, teller, ports, work))
    return NOTHING
  }

  return async (c: Context<Env>): Promise<Reply> => {
    const now = clock.now()
    const bytes = await bytesOf(c)
    const question = await door.questionIn({ bytes, header: (name) => c.req.header(name), now })
    if (!question) return NOTHING
    const caller = callerOf(question.replyTo)
    const { requestId } = c.env
    c.env.caller = caller
    return answer(question, now, (event) => desk.log({ ...event, requestId, caller }))
  }
}

const TOO_LATE: Answer = {
  what: 'problem',
  problem: new Problem('upstream-timeout', 'NAVER Cloud did not answer in time'),
  name: '',
}

function isLate(answer: Answer): boolean {
  return answer.what === 'problem' && answer.problem.code === 'upstream-timeout'
}

import type { Context as HonoContext } from 'hono'
import type { RequestContext } from '../../shared/api/request-context.ts'
import { type Caller, chatCallerName } from '../../shared/caller.ts'
import type { ChatCommand } from '../../shared/chat/command.ts'
import type { Context } from '../../shared/context.ts'
import { type Log, logWith, toProblem } from '../../shared/log.ts'
import {
  attemptDelivery,
  DELIVERY_MS,
  type DeliveryResult,
  type Notifier,
  REFUSED,
} from '../../shared/outbox/deliver.ts'
import { noticeRecord, pendingCommand } from '../../shared/outbox/notice.ts'
import { Problem } from '../../shared/problem.ts'
import type { Clock } from '../../shared/web/clock.ts'
import { MINUTE_MS, SECOND_MS } from '../../shared/web/durations.ts'
import { bytesOf } from '../body.ts'
import type { Reply } from '../reply.ts'
import type { Env } from '../request-log.ts'
import type { Chat, ChatRoute } from './chat.ts'
import { type Answer, answerCommand, type ChatSettings } from './commands.ts'
import { renderAnswer, renderEnd } from './render.ts'

/** The time limit for finding an answer. After it, the tick takes over. */
const ANSWER_MS = 1_700
/** The time limit for finding an answer that is posted in a separate request, which needs time, too. */
const POSTED_ANSWER_MS = 1_200
/** The time limit of a request from a chat: Slack allows 3 s; 1 s is kept for the network and load. */
const CHAT_REQUEST_MS = 2 * SECOND_MS
/** The minimum time for storing a command, even after the limit. */
const MIN_STORE_MS = 100
/** The grace period before the tick takes over a command from its request. */
const TICK_GRACE_MS = 30 * SECOND_MS
/** The tick's time limit for finding an answer: half of a delivery. The other half is for posting. */
const TICK_ANSWER_MS = DELIVERY_MS / 2
/** The maximum age of a command that still gets an answer. */
const MAX_COMMAND_AGE_MS = 30 * MINUTE_MS

const EMPTY: Reply = { status: 200, body: undefined }

/** Everything that the routes of chats need. */
export interface ChatContext extends ChatSettings {
  contextFor(caller: Caller, limits: Pick<Context, 'deadline' | 'log'>): RequestContext
  /** The maximum number of operations of a person in a UTC day. */
  dailyCreations: number | undefined
  clock: Clock
  log: Log
}

/** The target that gets the end of an operation whose chat can no longer be reached. */
export interface Fallback {
  /** The name of the target. */
  room: string
  notifier: Notifier
}

/** Returns a function that delivers answers and ends of operations to a chat. A refused end goes to the fallback. */
export function chatNotifier(
  chat: Chat,
  chatContext: ChatContext,
  fallback: Fallback | undefined,
): Notifier {
  const { clock } = chatContext

  async function answer(
    chatCommand: ChatCommand,
    isFirst: boolean,
    given: Context,
  ): Promise<DeliveryResult> {
    if (clock.now() > chatCommand.at + MAX_COMMAND_AGE_MS) return REFUSED
    const deadline = Math.min(given.deadline, clock.now() + TICK_ANSWER_MS)
    const context = contextOf(chatCommand, { deadline, log: given.log }, chatContext)
    const found = await answerCommand(chatCommand, chatContext, context)
    // The first try has little time, and the platform may have frozen it. The tick tries again with more time.
    const isTooLate = isLate(found) || clock.now() > deadline
    if (isFirst && isTooLate) return { outcome: {} }
    return chat.post(
      renderAnswer(found),
      chatCommand.replaces ? 'replace' : 'one',
      chatCommand.replyTo,
    )
  }

  return async (notice, context) => {
    const { event, to, besides, tries } = notice
    if (event.what === 'command') return answer(event.command, tries === 1, context)
    if (!('operationId' in event) || !to) return REFUSED
    const result = clock.now() < to.until ? await chat.post(renderEnd(event), 'all', to) : REFUSED
    const isElsewhere = fallback && result.outcome === 'refused'
    // A target that is notified by name gets the end only once.
    return isElsewhere && !besides?.includes(fallback.room)
      ? fallback.notifier(notice, context)
      : result
  }
}

/** Returns a handler that answers in time even if NAVER Cloud is slow. The tick finishes late answers. */
export function handle(route: ChatRoute, notifier: Notifier, chatContext: ChatContext) {
  const { clock } = chatContext

  async function answer(chatCommand: ChatCommand, startedAt: number, log: Log): Promise<Reply> {
    const deadline = startedAt + (route.bodyOf ? ANSWER_MS : POSTED_ANSWER_MS)
    const context = contextOf(chatCommand, { deadline, log }, chatContext)

    /** Waits until the time limit; `undefined` after it. The work continues as far as the platform allows. */
    function inTime<Result>(doing: Promise<Result>): Promise<Result | undefined> {
      const left = Math.max(MIN_STORE_MS, startedAt + CHAT_REQUEST_MS - clock.now())
      return Promise.race([doing, clock.sleep(left).then(() => undefined)])
    }

    /** Leaves the command to the tick, if there is an address for a later answer. */
    async function leave(): Promise<Answer> {
      if (!chatCommand.replyTo.to) return TOO_LATE
      try {
        const kept = await inTime(
          context.store.commit([noticeRecord(pendingCommand(chatCommand, clock.now()))]),
        )
        return kept === undefined ? TOO_LATE : { what: 'late' }
      } catch (error) {
        toProblem(error, log)
        return TOO_LATE
      }
    }

    if (route.bodyOf) {
      const found = (await inTime(answerCommand(chatCommand, chatContext, context))) ?? TOO_LATE
      const shown = isLate(found) ? await leave() : found
      return { status: 200, body: await route.bodyOf(renderAnswer(shown), chatCommand) }
    }
    // Stored first, so that nothing is lost and a repeat is recognised.
    const notice = pendingCommand(chatCommand, clock.now() + TICK_GRACE_MS)
    const isNew = await inTime(context.store.commit([noticeRecord(notice)]))
    // The sender must not believe that the message is stored.
    if (isNew === undefined)
      throw new Problem('internal', 'The message could not be stored in time. Send it again')
    if (isNew) await inTime(attemptDelivery(notice, notifier, context))
    return EMPTY
  }

  return async (c: HonoContext<Env>): Promise<Reply> => {
    const { startedAt: now, requestId } = c.var
    const bytes = await bytesOf(c)
    const chatCommand = await route.parse({ bytes, header: (name) => c.req.header(name), now })
    if (!chatCommand) return EMPTY
    const caller = chatCallerName(chatCommand.replyTo)
    c.set('caller', caller)
    return answer(chatCommand, now, logWith({ requestId, caller }, chatContext.log))
  }
}

/** Returns the context of a person's command. */
function contextOf(
  { replyTo }: ChatCommand,
  limits: Pick<Context, 'deadline' | 'log'>,
  { contextFor, dailyCreations }: ChatContext,
): RequestContext {
  const name = chatCallerName(replyTo)
  return contextFor({ name, scopes: ['images:read'], dailyCreations }, limits)
}

const TOO_LATE: Answer = {
  what: 'problem',
  problem: new Problem('upstream-timeout', 'NAVER Cloud did not answer in time'),
}

function isLate(answer: Answer): boolean {
  return answer.what === 'problem' && answer.problem.code === 'upstream-timeout'
}

import type { Clock } from '../../../shared/web/clock.ts'
import type { Transport } from '../../../shared/web/transport.ts'
import { accessTokens, type ServiceAccount } from './access-token.ts'

const ORIGIN = 'https://www.worksapis.com'
/** The time limit for sending a message, including its access token. */
const TIMEOUT_MS = 5_000
/** The answer that requires a new token, also with status 403: NAVER WORKS' own samples renew the token then. */
const UNAUTHORIZED = /"UNAUTHORIZED"/
/** The pause if the answer names none: NAVER WORKS counts calls by the minute. */
const PAUSE_SECONDS = 60
const MAX_PAUSE_SECONDS = 3_600

const utf8 = new TextDecoder()

/** A text in one language. */
type Localised<Field extends string> = { language: string } & Record<Field, string>

/** The content of a bot's message. Source: https://developers.worksmobile.com/en/docs/bot-channel-message-send */
export type Content =
  | { type: 'text'; text: string; i18nTexts: Localised<'text'>[] }
  | {
      type: 'button_template'
      contentText: string
      i18nContentTexts: Localised<'contentText'>[]
      actions: MessageAction[]
    }

/** A button that posts a text for the person who clicks it, with a postback for the bot of at most 300 bytes. */
export interface MessageAction {
  type: 'message'
  label: string
  i18nLabels: Localised<'label'>[]
  text: string
  i18nTexts: Localised<'text'>[]
  postback: string
}

/** The result of a message: the status, 201 if it was sent, and the pause before the next one. */
export interface Sent {
  status: number
  waitSeconds: number
}

/**
 * Opens a bot. The function that it returns sends a message to a user or a channel. It requests an access token if there is
 * none, requests another one if the first is refused, and pauses as long as NAVER WORKS asks for.
 */
export function openBot(
  { botId, ...account }: ServiceAccount & { botId: string },
  transport: Transport,
  clock: Clock,
) {
  const tokens = accessTokens(account, transport, clock)
  let quietUntil = 0

  async function post(to: string, content: Content, token: string, timeoutMs: number) {
    const request = {
      method: 'POST' as const,
      url: new URL(`/v1.0/bots/${botId}/${to}/messages`, ORIGIN),
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ content }),
    }
    const { status, headers, body } = await transport(request, timeoutMs)
    const isSpent = status === 429 || headers.get('ratelimit-remaining') === '0'
    const pause = isSpent ? pauseSeconds(headers.get('ratelimit-reset')) : 0
    quietUntil = Math.max(quietUntil, clock.now() + pause * 1_000)
    const isStale = status === 401 || (status === 403 && UNAUTHORIZED.test(utf8.decode(body)))
    return { status, waitSeconds: status === 429 ? pause : 0, isStale }
  }

  /** Sends a message to `users/{userId}` or `channels/{channelId}`. @throws an error if there is no answer */
  return async (to: string, content: Content): Promise<Sent> => {
    const waitSeconds = Math.ceil((quietUntil - clock.now()) / 1_000)
    if (waitSeconds > 0) return { status: 429, waitSeconds }
    const end = clock.now() + TIMEOUT_MS
    const left = () => Math.max(1, end - clock.now())
    /** Limits the wait, because a platform may cut off the request that asked for the token. */
    const inTime = (token: Promise<string>) =>
      Promise.race([token, clock.sleep(left()).then(() => Promise.reject(tokenLate()))])
    const token = await inTime(tokens())
    const sent = await post(to, content, token, left())
    if (!sent.isStale) return sent
    return post(to, content, await inTime(tokens(token)), left())
  }
}

/** Returns the pause in seconds that a header asks for. Source: https://developers.worksmobile.com/en/docs/rate-limits */
function pauseSeconds(reset: string | null): number {
  const isNumber = /^\d{1,9}$/.test(reset ?? '')
  return isNumber ? Math.min(Math.max(1, Number(reset)), MAX_PAUSE_SECONDS) : PAUSE_SECONDS
}

function tokenLate(): Error {
  return Object.assign(new Error('The access token did not arrive in time'), { code: 'token-late' })
}

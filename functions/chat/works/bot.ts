import type { Clock } from '../../../shared/clock.ts'
import type { Transport } from '../../../shared/transport.ts'
import { accessTokens, type ServiceAccount } from './access-token.ts'

const ORIGIN = 'https://www.worksapis.com'
/** Whatever it takes to say something, tokens and all. */
const TIMEOUT_MS = 5_000
/** What the vendor's own samples renew a token for, at 403 too. */
const UNAUTHORIZED = /"UNAUTHORIZED"/
/** Where nobody says how long: calls are counted by the minute. */
const PAUSE_SECONDS = 60
const LONGEST_PAUSE_SECONDS = 3_600

const utf8 = new TextDecoder()

/** A text of one language, as `content` names the field. */
type Localised<Field extends string> = { language: string } & Record<Field, string>

/** What a bot says. Source: https://developers.worksmobile.com/en/docs/bot-channel-message-send */
export type Content =
  | { type: 'text'; text: string; i18nTexts: Localised<'text'>[] }
  | {
      type: 'button_template'
      contentText: string
      i18nContentTexts: Localised<'contentText'>[]
      actions: MessageAction[]
    }

/** A button that says something in the name of whoever clicks on it, with a word for the bot of 300 bytes at most. */
export interface MessageAction {
  type: 'message'
  label: string
  i18nLabels: Localised<'label'>[]
  text: string
  i18nTexts: Localised<'text'>[]
  postback: string
}

/** What came of saying something: the status, 201 where it was said; and how long to say nothing. */
export interface Sent {
  status: number
  waitSeconds: number
}

/**
 * A bot's voice: says something to a user or in a channel. Calls for an access token where there is none, and for another
 * where that is refused; keeps quiet as long as it is told to.
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

  /** Says something in `users/{userId}` or `channels/{channelId}`. @throws an error where nobody answers */
  return async (to: string, content: Content): Promise<Sent> => {
    const waitSeconds = Math.ceil((quietUntil - clock.now()) / 1_000)
    if (waitSeconds > 0) return { status: 429, waitSeconds }
    const end = clock.now() + TIMEOUT_MS
    const left = () => Math.max(1, end - clock.now())
    /** Not for ever: where a platform cuts off the request that asked for it, a token never comes. */
    const inTime = (token: Promise<string>) =>
      Promise.race([token, clock.sleep(left()).then(() => Promise.reject(tokenLate()))])
    const token = await inTime(tokens())
    const sent = await post(to, content, token, left())
    if (!sent.isStale) return sent
    return post(to, content, await inTime(tokens(token)), left())
  }
}

/** How long to say nothing, of a header in seconds. Source: https://developers.worksmobile.com/en/docs/rate-limits */
function pauseSeconds(reset: string | null): number {
  const isNumber = /^\d{1,9}$/.test(reset ?? '')
  return isNumber ? Math.min(Math.max(1, Number(reset)), LONGEST_PAUSE_SECONDS) : PAUSE_SECONDS
}

function tokenLate(): Error {
  return Object.assign(new Error('No token in time'), { code: 'token-late' })
}

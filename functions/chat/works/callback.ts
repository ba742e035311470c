import * as v from 'valibot'
import { encodeBase64 } from '../../../shared/web/base64.ts'
import { MINUTE_MS } from '../../../shared/web/durations.ts'
import { isSignedBy } from '../../../shared/web/hmac.ts'
import { parseJson } from '../../../shared/web/json.ts'
import { Rfc3339 } from '../../../shared/web/rfc3339.ts'

const MAX_AGE_MS = 5 * MINUTE_MS

const utf8 = new TextDecoder()

/** A message to a bot, or a click on one of its buttons. */
export interface Callback {
  userId: string
  /** Missing in a conversation of two. */
  channelId?: string | undefined
  text: string
  /** The text that the button carries. */
  postback?: string | undefined
}

const Issued = v.object({ issuedTime: Rfc3339 })

/** A callback with text: the fields that are read. Source: https://developers.worksmobile.com/en/docs/bot-callback */
const CallbackEvent = v.object({
  source: v.object({ userId: v.string(), channelId: v.optional(v.string()) }),
  content: v.optional(v.object({ text: v.string(), postback: v.optional(v.string()) })),
  data: v.optional(v.string()),
})

/**
 * Verifies that NAVER WORKS sent a callback to this bot, at most five minutes from `now` (milliseconds since the epoch).
 * Returns the reason if it did not. The time is in the signed body, because no header has one.
 */
export async function verifyCallback(
  bytes: Uint8Array,
  header: (name: string) => string | undefined,
  { botId, botSecrets }: { botId: string; botSecrets: string[] },
  now: number,
): Promise<'wrong-signature' | 'stale-timestamp' | undefined> {
  const signature = header('x-works-signature') ?? ''
  const isSigned = await isSignedBy(botSecrets, bytes, signature, encodeBase64)
  if (!isSigned || header('x-works-botid') !== botId) return 'wrong-signature'
  const issued = v.safeParse(Issued, parseJson(utf8.decode(bytes)))
  const isFresh = issued.success && Math.abs(now - issued.output.issuedTime) <= MAX_AGE_MS
  return isFresh ? undefined : 'stale-timestamp'
}

/** Reads a verified callback; `undefined` if it has no text. */
export function callbackOf(bytes: Uint8Array): Callback | undefined {
  const event = v.safeParse(CallbackEvent, parseJson(utf8.decode(bytes)))
  if (!event.success) return undefined
  const { source, content, data } = event.output
  const text = content?.text ?? data
  return text === undefined ? undefined : { ...source, text, postback: content?.postback ?? data }
}

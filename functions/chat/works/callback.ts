import * as v from 'valibot'
import { base64, isSignedBy } from '../../../shared/hmac.ts'
import { Rfc3339 } from '../../../shared/rfc3339.ts'

const FRESH_MS = 300_000

const utf8 = new TextDecoder()

/** Something was written to a bot, or one of its buttons was clicked. */
export interface Callback {
  userId: string
  /** Missing where the two are by themselves. */
  channelId?: string | undefined
  text: string
  /** The word that the button carries. */
  postback?: string | undefined
}

const Issued = v.object({ issuedTime: Rfc3339 })

/** What a bot is told, as far as it is text. Source: https://developers.worksmobile.com/en/docs/bot-callback */
const Event = v.object({
  source: v.object({ userId: v.string(), channelId: v.optional(v.string()) }),
  content: v.optional(v.object({ text: v.string(), postback: v.optional(v.string()) })),
  data: v.optional(v.string()),
})

/**
 * Whether NAVER WORKS sent a callback to this bot, within five minutes of now (milliseconds since the epoch). It sets no time
 * in a header: the one in what is signed counts.
 */
export async function isGenuine(
  bytes: Uint8Array,
  header: (name: string) => string | undefined,
  { botId, botSecrets }: { botId: string; botSecrets: string[] },
  now: number,
): Promise<boolean> {
  const signature = header('x-works-signature') ?? ''
  const isSigned = await isSignedBy(botSecrets, bytes, signature, base64)
  if (!isSigned || header('x-works-botid') !== botId) return false
  const issued = v.safeParse(Issued, jsonOf(bytes))
  return issued.success && Math.abs(now - issued.output.issuedTime) <= FRESH_MS
}

/** What a genuine callback says; `undefined` for what is no text. */
export function callbackOf(bytes: Uint8Array): Callback | undefined {
  const event = v.safeParse(Event, jsonOf(bytes))
  if (!event.success) return undefined
  const { source, content, data } = event.output
  const text = content?.text ?? data
  return text === undefined ? undefined : { ...source, text, postback: content?.postback ?? data }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    return undefined
  }
}

import { DELIVERY_MS, type DeliveryResult, REFUSED, resultOf } from '../../shared/outbox/deliver.ts'
import { MINUTE_MS } from '../../shared/web/durations.ts'
import { retryAfterSeconds } from '../../shared/web/retry-after.ts'
import type { Transport } from '../../shared/web/transport.ts'

const utf8 = new TextDecoder()

/** The time limit for posting an answer: the chats allow 30 minutes; 1 minute is kept for the network. */
export const REPLY_LIMIT_MS = 29 * MINUTE_MS

/** The text before a command. */
export const PREFIX = '/ncp '

/** The time limit of a post: half of a delivery. The other half is for finding the answer. */
const POST_LIMIT_MS = DELIVERY_MS / 2

/** Returns an address if it has this origin. */
export function addressAt(origin: string | undefined, address: string | null): string | undefined {
  return address && URL.canParse(address) && new URL(address).origin === origin
    ? address
    : undefined
}

/** Posts to an address that Slack or Mattermost gave for an answer. Some refusals are only in the body. */
export async function postTo(
  address: string | undefined,
  body: object,
  transport: Transport,
): Promise<DeliveryResult> {
  if (!address) return REFUSED
  const headers = { 'content-type': 'application/json' }
  const url = new URL(address)
  const request = { method: 'POST' as const, url, headers, body: JSON.stringify(body) }
  const incoming = await transport(request, POST_LIMIT_MS)
  if (/"ok"\s*:\s*false/.test(utf8.decode(incoming.body))) return REFUSED
  return resultOf(incoming.status, retryAfterSeconds(incoming.headers))
}

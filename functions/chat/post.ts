import { DELIVERY_MS, REFUSED, type Told } from '../../shared/creation/deliver.ts'
import { retryAfterSeconds } from '../../shared/retry-after.ts'
import type { Transport } from '../../shared/transport.ts'

const utf8 = new TextDecoder()

/** An answer may be sent for thirty minutes; one is kept back for the way. */
export const REPLY_MS = 29 * 60_000

/** What a command begins with. */
export const PREFIX = '/ncp '

/** Half of what telling somebody may take; the other half is for finding out what to tell. */
const SAY_MS = DELIVERY_MS / 2

/** The address, if it is of that origin; empty for any other. */
export function addressAt(origin: string | undefined, address: string | null): string {
  return address && URL.canParse(address) && new URL(address).origin === origin ? address : ''
}

/** Posts to an address that Slack or Mattermost gave for an answer; some of their refusals say so in the body alone. */
export async function postTo(address: string, body: object, transport: Transport): Promise<Told> {
  if (!address) return REFUSED
  const headers = { 'content-type': 'application/json' }
  const url = new URL(address)
  const request = { method: 'POST' as const, url, headers, body: JSON.stringify(body) }
  const { status, headers: said, body: answer } = await transport(request, SAY_MS)
  if (/"ok"\s*:\s*false/.test(utf8.decode(answer))) return REFUSED
  return { status, waitSeconds: retryAfterSeconds(said) ?? 0 }
}

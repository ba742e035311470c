import * as v from 'valibot'
import { CHAT_NAMES, type ChatName } from '../caller.ts'
import { sha256Hex } from '../web/digest.ts'

/** The place in a chat where replies are posted. */
export const ReplyTo = v.object({
  chat: v.picklist(CHAT_NAMES),
  /** The id of the person who asked; in Slack `T…:U…`. */
  person: v.string(),
  /** The reply address that the chat gave, or a room; missing if there is none. */
  to: v.optional(v.string()),
  /** The time until which `to` may be used: milliseconds since the epoch. */
  until: v.number(),
})

/** The place in a chat where replies are posted. */
export type ReplyTo = v.InferOutput<typeof ReplyTo>

/** A command that can be confirmed once, until `expiresAt` (milliseconds since the epoch). */
const Confirmation = v.object({
  /** The idempotency key of the operation that it starts. */
  id: v.string(),
  expiresAt: v.number(),
  /** The command in canonical form. */
  command: v.string(),
})

/** A command that can be confirmed once, until `expiresAt` (milliseconds since the epoch). */
export type Confirmation = v.InferOutput<typeof Confirmation>

/** A command that a person sent to the relay in a chat. */
export const ChatCommand = v.object({
  /** The id, which is the same if the chat sends the message again: see `commandId`. */
  id: v.string(),
  /** Milliseconds since the epoch. */
  at: v.number(),
  text: v.string(),
  confirmed: v.optional(Confirmation),
  /** True if the answer replaces the message whose button was clicked. */
  replaces: v.boolean(),
  replyTo: ReplyTo,
})

/** A command that a person sent to the relay in a chat. */
export type ChatCommand = v.InferOutput<typeof ChatCommand>

/**
 * Returns the id of a message: 24 hex digits of its hash, and 8 of the hash of its caller. The caller's part binds a
 * confirmation to the person who asked.
 */
export async function commandId(bytes: Uint8Array, caller: string): Promise<string> {
  return (await sha256Hex(bytes)).slice(0, 24) + (await callerPart(caller))
}

/** True if a confirmation belongs to a message of this caller. */
export async function isAskedBy(caller: string, { id }: Confirmation): Promise<boolean> {
  return id.endsWith(await callerPart(caller))
}

async function callerPart(caller: string): Promise<string> {
  return (await sha256Hex(caller)).slice(0, 8)
}

/** Returns the name of the outbox queue for messages in a chat. */
export function channelTarget(chat: ChatName): string {
  return `chat:${chat}`
}

/** Writes a confirmation as the value of a button. */
export function confirmationText({ id, expiresAt, command }: Confirmation): string {
  return `${id} ${expiresAt.toString(36)} ${command}`
}

/** Reads a confirmation; `undefined` for any other text. */
export function confirmationOf(text: string): Confirmation | undefined {
  const [, id, expiry, command] = /^([0-9a-f]{32}) ([0-9a-z]{1,9}) (.+)$/.exec(text) ?? []
  return id && expiry && command
    ? { id, expiresAt: Number.parseInt(expiry, 36), command }
    : undefined
}

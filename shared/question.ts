import { sha256Hex } from './digest.ts'

/** A chat that the relay speaks with. */
export type ChatName = 'slack' | 'mattermost' | 'works'

/** Where somebody in a chat is answered. */
export interface ReplyTo {
  chat: ChatName
  /** Who asked, by their id there; in Slack `T…:U…`. */
  person: string
  /** An address that the chat gave for that, or a room of it; empty where there is none. */
  to: string
  /** As long as that may be used: milliseconds since the epoch. */
  until: number
}

/** What somebody has agreed to: a command in canonical form, once, by a time in milliseconds since the epoch. */
export interface Confirmation {
  /** The idempotency key of what it starts. */
  id: string
  expiresAt: number
  command: string
}

/** What somebody in a chat asks. */
export interface Question {
  /** The same however often it is sent: see `questionId`. */
  id: string
  /** Milliseconds since the epoch. */
  at: number
  text: string
  confirmed?: Confirmation | undefined
  /** Whether the answer takes the place of the message that it was asked by. */
  replaces: boolean
  replyTo: ReplyTo
}

/** The name that somebody's creations are kept under: `slack:T…:U…`. */
export function callerName({ chat, person }: Pick<ReplyTo, 'chat' | 'person'>): string {
  return `${chat}:${person}`
}

/**
 * The id of what somebody sent, 32 hex digits: 24 of the SHA-256 over it, 8 of that over their name. So nobody else can confirm
 * with it.
 */
export async function questionId(bytes: Uint8Array, caller: string): Promise<string> {
  return (await sha256Hex(bytes)).slice(0, 24) + (await markOf(caller))
}

/** Whether a confirmation is of a question that somebody asked themselves. */
export async function isAskedBy(caller: string, { id }: Confirmation): Promise<boolean> {
  return id.endsWith(await markOf(caller))
}

async function markOf(caller: string): Promise<string> {
  return (await sha256Hex(caller)).slice(0, 8)
}

/** The name that what is said in a chat goes by among those who are told. */
export function laneOf(chat: ChatName): string {
  return `chat:${chat}`
}

/** A confirmation as a button carries it. */
export function confirmationText({ id, expiresAt, command }: Confirmation): string {
  return `${id} ${expiresAt.toString(36)} ${command}`
}

/** The confirmation that a text is; `undefined` for any other text. */
export function confirmationOf(text: string): Confirmation | undefined {
  const [, id, expiry, command] = /^([0-9a-f]{32}) ([0-9a-z]{1,9}) (.+)$/.exec(text) ?? []
  return id && expiry && command
    ? { id, expiresAt: Number.parseInt(expiry, 36), command }
    : undefined
}

/** The chats that the relay speaks with. */
export const CHATS = ['slack', 'mattermost', 'works'] as const

/** A chat that the relay speaks with. */
export type ChatName = (typeof CHATS)[number]

/** Where somebody in a chat is answered. */
export interface ReplyTo {
  chat: ChatName
  /** Who asked, by their id there; in Slack `T…:U…`. */
  person: string
  /** An address that the chat gave for that, or a room of it. */
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
  /** SHA-256 over what the chat sent, lower-case hex: the same however often it is sent. */
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
export function callerOf({ chat, person }: ReplyTo): string {
  return `${chat}:${person}`
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

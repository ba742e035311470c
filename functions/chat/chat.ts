import type { ChatName } from '../../shared/caller.ts'
import type { ChatCommand, Confirmation, ReplyTo } from '../../shared/chat/command.ts'
import type { DeliveryResult } from '../../shared/outbox/deliver.ts'
import type { MessageParts } from '../../shared/outbox/webhooks.ts'
import type { Language } from '../../shared/outbox/wording/languages.ts'

/** A message in one language, which each chat writes in its own format. */
export interface Message extends MessageParts {
  button?: Button | undefined
}

/** A button that confirms a command, or repeats one. */
export type Button =
  | { kind: 'confirm'; command: 'create' | 'run'; confirmation: Confirmation }
  | { kind: 'refresh'; command: string }

/** A message in any language. `prefix` is the text before a command in the chat. */
export type MessageTemplate = (language: Language, prefix: string) => Message

/** The people who see a message: everybody in the room, or one person, as a new message or in place of a clicked one. */
export type Visibility = 'all' | 'one' | 'replace'

/** A request to a route of a chat. */
export interface IncomingMessage {
  bytes: Uint8Array
  header(name: string): string | undefined
  /** Milliseconds since the epoch. */
  now: number
}

/** A route of a chat. */
export interface ChatRoute {
  path: string
  /**
   * Verifies the sender and returns the message in a request, if it has one.
   * @throws Problem `unauthenticated`, `malformed-request`
   */
  parse(received: IncomingMessage): Promise<ChatCommand | undefined>
  /** Returns the body of the answer, if the chat shows the answer to its request; otherwise the answer is posted. */
  bodyOf?(template: MessageTemplate, chatCommand: ChatCommand): Promise<object>
}

/** A chat that the relay answers. */
export interface Chat {
  name: ChatName
  routes: ChatRoute[]
  /** Posts a message to the place that a command came from. */
  post(template: MessageTemplate, visibility: Visibility, to: ReplyTo): Promise<DeliveryResult>
}

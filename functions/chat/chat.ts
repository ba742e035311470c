import type { Told } from '../../shared/creation/deliver.ts'
import type { Language } from '../../shared/messages.ts'
import type { ChatName, Confirmation, Question, ReplyTo } from '../../shared/question.ts'

/** What is said in a chat, in one language; each chat writes it in its own form. */
export interface Message {
  /** Short; without one the text is all. */
  title?: string
  text?: string | undefined
  fields?: { name: string; value: string }[]
  /** One a thing. */
  lines?: string[]
  button?: Button | undefined
}

/** What somebody is asked to agree to, or may ask again. */
export type Button =
  | { kind: 'confirm'; command: 'create' | 'run'; confirmation: Confirmation }
  | { kind: 'refresh'; command: string }

/** A message in any language; `prefix` is what commands begin with in a chat. */
export type Wording = (language: Language, prefix: string) => Message

/** To whom something is said: to all in the room, or to one, there or in the place of the message that they clicked on. */
export type Manner = 'all' | 'one' | 'replace'

/** What comes in at a door. */
export interface Received {
  bytes: Uint8Array
  header(name: string): string | undefined
  /** Milliseconds since the epoch. */
  now: number
}

/** A route of a chat. */
export interface Door {
  path: string
  /**
   * The question in what came, if there is one, once it is proved who sent it.
   * @throws Problem `unauthenticated`, `malformed-request`
   */
  questionIn(received: Received): Promise<Question | undefined>
  /** The body that answers, where a chat is answered in its own request; else it is told the answer. */
  bodyOf?(wording: Wording, question: Question): Promise<object>
}

/** A chat that the relay speaks with. */
export interface Chat {
  name: ChatName
  doors: Door[]
  /** Says something where a question came from. */
  say(wording: Wording, manner: Manner, to: ReplyTo): Promise<Told>
}

import * as v from 'valibot'
import { equalInConstantTime } from '../../shared/digest.ts'
import { base64Url, hmac, hmacKey, isSignedBy } from '../../shared/hmac.ts'
import { commandOf, intentOf } from '../../shared/intent.ts'
import type { Language } from '../../shared/messages.ts'
import { Problem } from '../../shared/problem.ts'
import {
  type Confirmation,
  callerName,
  confirmationOf,
  confirmationText,
  questionId,
  type ReplyTo,
} from '../../shared/question.ts'
import type { Transport } from '../../shared/transport.ts'
import { malformed, textOf } from '../validate.ts'
import type { Chat, Manner, Message, Wording } from './chat.ts'
import { addressAt, PREFIX, postTo, REPLY_MS } from './post.ts'

const utf8 = new TextEncoder()

/** The longest message. Source: https://developers.mattermost.com/integrate/slash-commands/ */
const MOST = 16_383

const UserId = v.pipe(v.string(), v.regex(/^\w{1,64}$/))

/** Mattermost: the same command by its token, and a code to confirm with, because its buttons arrive unsigned. */
export function mattermost(
  { tokens, origin }: { tokens: string[]; origin: string | undefined },
  language: Language,
  transport: Transport,
): Chat {
  async function payloadOf(wording: Wording, manner: Manner, { person }: ReplyTo) {
    const { button, ...message } = wording(language, PREFIX)
    const typed =
      button?.kind === 'confirm' ? [`→ ${await commandToConfirm(button.confirmation, person)}`] : []
    return {
      response_type: manner === 'all' ? 'in_channel' : 'ephemeral',
      text: literal(message, typed),
      // Else it makes mentions and links of what looks like Slack's.
      skip_slack_parsing: true,
    }
  }

  async function commandToConfirm(confirmation: Confirmation, person: string): Promise<string> {
    const text = confirmationText(confirmation)
    const mac = await hmac(await hmacKey(utf8.encode(tokens[0])), signedText(person, text))
    const code = `${base64Url(utf8.encode(text))}.${base64Url(mac)}`
    return PREFIX + commandOf({ command: 'confirm', code })
  }

  async function confirmedBy(person: string, code: string): Promise<Confirmation | undefined> {
    const [encoded = '', mac = ''] = code.split('.')
    const text = decoded(encoded)
    const isOurs = await isSignedBy(tokens, signedText(person, text), mac, base64Url)
    return isOurs ? confirmationOf(text) : undefined
  }

  return {
    name: 'mattermost',
    doors: [
      {
        path: '/chat/mattermost',
        async questionIn({ bytes, header, now }) {
          const form = new URLSearchParams(textOf(bytes))
          mustBeKnown(header('authorization'), form.get('token'), tokens)
          const person = form.get('user_id') ?? ''
          if (!v.is(UserId, person)) malformed('The body must name a user')
          const text = form.get('text') ?? ''
          const intent = intentOf(text)
          const isCode = 'code' in intent
          const to = addressAt(origin, form.get('response_url'))
          return {
            id: await questionId(bytes, callerName({ chat: 'mattermost', person })),
            at: now,
            text,
            confirmed: isCode ? await confirmedBy(person, intent.code) : undefined,
            replaces: false,
            replyTo: { chat: 'mattermost', person, to, until: now + REPLY_MS },
          }
        },
        bodyOf: (wording, { replyTo }) => payloadOf(wording, 'one', replyTo),
      },
    ],
    say: async (wording, manner, replyTo) =>
      postTo(replyTo.to, await payloadOf(wording, manner, replyTo), transport),
  }
}

/** Proves that Mattermost sent it. @throws Problem `unauthenticated` */
function mustBeKnown(
  authorization: string | undefined,
  given: string | null,
  tokens: string[],
): void {
  const presented = authorization === undefined ? given : /^Token (\S+)$/i.exec(authorization)?.[1]
  const isKnown = tokens.filter((token) => equalInConstantTime(token, presented ?? '')).length > 0
  if (!isKnown) throw new Problem('unauthenticated', 'The request must be Mattermost’s')
}

function signedText(person: string, text: string): Uint8Array {
  return utf8.encode(`confirm ${person} ${text}`)
}

function decoded(text: string): string {
  try {
    return atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    return ''
  }
}

/** A message as a block of code, in which nothing is Markdown or a mention; its fence is longer than any within. */
function literal({ title, text, fields = [], lines = [] }: Message, more: string[]): string {
  const facts = fields.map(({ name, value }) => `${name}: ${value}`)
  const all = [title, text, ...facts, ...lines, ...more].filter(Boolean).join('\n')
  const runs = all.match(/`+/g) ?? []
  const fence = '`'.repeat(Math.max(3, ...runs.map(({ length }) => length + 1)))
  return `${fence}\n${all.slice(0, MOST - 2 * fence.length - 2)}\n${fence}`
}

import type { Button as ButtonElement, KnownBlock, PlainTextElement } from '@slack/types'
import * as v from 'valibot'
import { hex } from '../../shared/digest.ts'
import { isSignedBy } from '../../shared/hmac.ts'
import { type Language, MESSAGES } from '../../shared/messages.ts'
import { parse } from '../../shared/parse.ts'
import { Problem } from '../../shared/problem.ts'
import {
  callerName,
  confirmationOf,
  confirmationText,
  type Question,
  questionId,
} from '../../shared/question.ts'
import type { Transport } from '../../shared/transport.ts'
import { json, malformed, textOf } from '../validate.ts'
import type { Button, Chat, Manner, Message, Received } from './chat.ts'
import { addressAt, PREFIX, postTo, REPLY_MS } from './post.ts'

const utf8 = new TextEncoder()

const FRESH_SECONDS = 300
const ORIGIN = 'https://hooks.slack.com'
/** The longest texts. Source: https://docs.slack.dev/reference/block-kit/blocks */
const MOST = { header: 150, section: 3_000, field: 2_000, button: 30, confirm: 300 }

const Person = v.pipe(v.string(), v.regex(/^[TE]\w+:[UW]\w+$/))

/** What is read of a click. Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
const Click = v.object({
  type: v.literal('block_actions'),
  user: v.object({ id: v.string(), team_id: v.optional(v.string()) }),
  team: v.nullish(v.object({ id: v.string() })),
  response_url: v.string(),
  actions: v.tupleWithRest([v.object({ action_id: v.string(), value: v.string() })], v.unknown()),
})

/** Slack: a command and its buttons, by a signing secret alone. */
export function slack(
  { signingSecrets }: { signingSecrets: string[] },
  language: Language,
  transport: Transport,
): Chat {
  return {
    name: 'slack',
    doors: [
      {
        path: '/chat/slack/commands',
        async questionIn(received) {
          const form = new URLSearchParams(textOf(received.bytes))
          // A probe, which is not signed.
          if (form.get('ssl_check') === '1') return undefined
          await mustBeSigned(received, signingSecrets)
          const person = `${form.get('team_id')}:${form.get('user_id')}`
          const address = form.get('response_url')
          return questionBy(person, address, received, { text: form.get('text') ?? '' })
        },
        bodyOf: async (wording) => payloadOf(wording(language, PREFIX), 'one', language),
      },
      {
        path: '/chat/slack/interactions',
        async questionIn(received) {
          await mustBeSigned(received, signingSecrets)
          const payload = new URLSearchParams(textOf(received.bytes)).get('payload')
          const click = parse(Click, json(payload ?? ''))
          if ('errors' in click) return undefined
          const { user, team, response_url: address, actions } = click.value
          const [{ value }] = actions
          const person = `${team?.id ?? user.team_id}:${user.id}`
          const confirmed = confirmationOf(value)
          const text = confirmed?.command ?? value
          return questionBy(person, address, received, { text, confirmed, replaces: true })
        },
      },
    ],
    say: (wording, manner, { to }) =>
      postTo(to, payloadOf(wording(language, PREFIX), manner, language), transport),
  }
}

/**
 * Proves that Slack sent it, within five minutes of now.
 * Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
 * @throws Problem `unauthenticated`
 */
async function mustBeSigned({ bytes, header, now }: Received, secrets: string[]): Promise<void> {
  const timestamp = header('x-slack-request-timestamp') ?? ''
  const age =
    Math.floor(now / 1_000) - Number(/^\d{1,12}$/.test(timestamp) ? timestamp : Number.NaN)
  const begin = utf8.encode(`v0:${timestamp}:`)
  const message = new Uint8Array(begin.length + bytes.length)
  message.set(begin)
  message.set(bytes, begin.length)
  const isFresh = Math.abs(age) <= FRESH_SECONDS
  const signature = header('x-slack-signature') ?? ''
  const isSigned = await isSignedBy(secrets, message, signature, (mac) => `v0=${hex(mac)}`)
  if (!isFresh || !isSigned) throw new Problem('unauthenticated', 'The request must be Slack’s')
}

async function questionBy(
  person: string,
  address: string | null,
  { bytes, now }: Received,
  said: Pick<Question, 'text'> & Partial<Pick<Question, 'confirmed' | 'replaces'>>,
): Promise<Question> {
  if (!v.is(Person, person)) malformed('The body must name a team and a user')
  return {
    id: await questionId(bytes, callerName({ chat: 'slack', person })),
    at: now,
    replaces: false,
    replyTo: { chat: 'slack', person, to: addressAt(ORIGIN, address), until: now + REPLY_MS },
    ...said,
  }
}

/** The end of a creation is for all in the room, as a message of its own; an answer is for whoever asked. */
function payloadOf(message: Message, manner: Manner, language: Language) {
  const { title, text, lines = [] } = message
  return {
    ...(manner === 'replace'
      ? { replace_original: true }
      : { response_type: manner === 'all' ? 'in_channel' : 'ephemeral' }),
    text: escaped(title ?? text ?? lines.join(' '), MOST.section),
    blocks: blocksOf(message, language),
  }
}

function blocksOf({ title, text, fields = [], lines = [], button }: Message, language: Language) {
  const blocks: KnownBlock[] = []
  if (title) blocks.push({ type: 'header', text: plain(title, MOST.header) })
  if (text) blocks.push({ type: 'section', text: plain(text, MOST.section) })
  if (fields.length > 0) {
    const field = ({ name, value }: (typeof fields)[number]) =>
      plain(`${name}\n${value}`, MOST.field)
    blocks.push({ type: 'section', fields: fields.map(field) })
  }
  if (lines.length > 0) {
    blocks.push({ type: 'section', text: plain(lines.join('\n'), MOST.section) })
  }
  if (button) blocks.push({ type: 'actions', elements: [buttonOf(button, language)] })
  return blocks
}

function buttonOf(button: Button, language: Language): ButtonElement {
  const { chat } = MESSAGES[language]
  const label = (text: string) => plain(text, MOST.button)
  if (button.kind === 'refresh') {
    const { command: value } = button
    return { type: 'button', action_id: 'refresh', text: label(chat.button.refresh), value }
  }
  const { command, confirmation } = button
  return {
    type: 'button',
    action_id: 'confirm',
    text: label(chat.button[command]),
    value: confirmationText(confirmation),
    confirm: {
      title: label(chat.button[command]),
      text: plain(confirmation.command, MOST.confirm),
      confirm: label(chat.button[command]),
      deny: label(chat.button.cancel),
    },
  }
}

/** Plain text, so that Markdown and names of emoji show as they are. */
function plain(text: string, most: number): PlainTextElement {
  return { type: 'plain_text', text: escaped(text, most), emoji: false }
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** What must be escaped in all text, cut where it would be too long. Source: https://docs.slack.dev/messaging/formatting-message-text/ */
function escaped(text: string, most: number): string {
  let all = ''
  for (const character of text) {
    const next = ESCAPES[character] ?? character
    if (all.length + next.length >= most) return `${all}…`
    all += next
  }
  return all
}

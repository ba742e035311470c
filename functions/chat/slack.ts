import type { Button as ButtonElement, KnownBlock, PlainTextElement } from '@slack/types'
import * as v from 'valibot'
import { chatCallerName } from '../../shared/caller.ts'
import {
  type ChatCommand,
  commandId,
  confirmationOf,
  confirmationText,
} from '../../shared/chat/command.ts'
import { fitForSlack } from '../../shared/outbox/slack-text.ts'
import { WORDINGS } from '../../shared/outbox/wording/all.ts'
import type { Language } from '../../shared/outbox/wording/languages.ts'
import { parse } from '../../shared/parse.ts'
import { Problem } from '../../shared/problem.ts'
import { hex } from '../../shared/web/digest.ts'
import { isSignedBy } from '../../shared/web/hmac.ts'
import type { Transport } from '../../shared/web/transport.ts'
import { bodyJson, bodyText, malformed } from '../body.ts'
import type { Button, Chat, IncomingMessage, Message, Visibility } from './chat.ts'
import { addressAt, PREFIX, postTo, REPLY_LIMIT_MS } from './post.ts'

const utf8 = new TextEncoder()

/** Slack's limit for the age of a signature. */
const MAX_AGE_SECONDS = 300
const ORIGIN = 'https://hooks.slack.com'

/** Slack's limits: characters of each kind of text, and fields of a section. Source: https://docs.slack.dev/reference/block-kit/blocks */
const LIMITS = {
  header: 150,
  section: 3_000,
  field: 2_000,
  fields: 10,
  button: 30,
  confirm: 300,
}

const Person = v.pipe(v.string(), v.regex(/^[TE]\w+:[UW]\w+$/))

/** A click: the fields that are read. Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
const Click = v.object({
  type: v.literal('block_actions'),
  user: v.object({ id: v.string(), team_id: v.optional(v.string()) }),
  team: v.nullish(v.object({ id: v.string() })),
  response_url: v.string(),
  actions: v.tupleWithRest([v.object({ action_id: v.string(), value: v.string() })], v.unknown()),
})

/** Opens Slack: a command and its buttons. They need the signing secret only, no token. */
export function slack(
  { signingSecrets }: { signingSecrets: string[] },
  language: Language,
  transport: Transport,
): Chat {
  return {
    name: 'slack',
    routes: [
      {
        path: '/chat/slack/commands',
        async parse(received) {
          const form = new URLSearchParams(bodyText(received.bytes))
          // Slack's probe of the certificate is not signed.
          if (form.get('ssl_check') === '1') return undefined
          await mustBeSigned(received, signingSecrets)
          const person = `${form.get('team_id')}:${form.get('user_id')}`
          const address = form.get('response_url')
          return commandBy(person, address, received, { text: form.get('text') ?? '' })
        },
        bodyOf: async (template) => payloadOf(template(language, PREFIX), 'one', language),
      },
      {
        path: '/chat/slack/interactions',
        async parse(received) {
          await mustBeSigned(received, signingSecrets)
          const payload = new URLSearchParams(bodyText(received.bytes)).get('payload')
          const click = parse(Click, bodyJson(payload ?? ''))
          if ('errors' in click) return undefined
          const { user, team, response_url: address, actions } = click.value
          const [{ value }] = actions
          const person = `${team?.id ?? user.team_id}:${user.id}`
          const confirmed = confirmationOf(value)
          const text = confirmed?.command ?? value
          return commandBy(person, address, received, { text, confirmed, replaces: true })
        },
      },
    ],
    post: (template, visibility, { to }) =>
      postTo(to, payloadOf(template(language, PREFIX), visibility, language), transport),
  }
}

/**
 * Verifies the signature of a request and its age.
 * Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
 * @throws Problem `unauthenticated`
 */
async function mustBeSigned(
  { bytes, header, now }: IncomingMessage,
  secrets: string[],
): Promise<void> {
  const timestamp = header('x-slack-request-timestamp') ?? ''
  const sentAt = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : Number.NaN
  const isFresh = Math.abs(Math.floor(now / 1_000) - sentAt) <= MAX_AGE_SECONDS
  const begin = utf8.encode(`v0:${timestamp}:`)
  const message = new Uint8Array(begin.length + bytes.length)
  message.set(begin)
  message.set(bytes, begin.length)
  const signature = header('x-slack-signature') ?? ''
  const isSigned = await isSignedBy(secrets, message, signature, (mac) => `v0=${hex(mac)}`)
  if (isFresh && isSigned) return
  const reason = isSigned ? 'stale-timestamp' : 'wrong-signature'
  throw new Problem('unauthenticated', 'A valid signature of Slack is required', { reason })
}

async function commandBy(
  person: string,
  address: string | null,
  { bytes, now }: IncomingMessage,
  content: Pick<ChatCommand, 'text'> & Partial<Pick<ChatCommand, 'confirmed' | 'replaces'>>,
): Promise<ChatCommand> {
  if (!v.is(Person, person)) malformed('The body must name a team and a user')
  const to = addressAt(ORIGIN, address)
  return {
    id: await commandId(bytes, chatCallerName({ chat: 'slack', person })),
    at: now,
    replaces: false,
    replyTo: { chat: 'slack', person, to, until: now + REPLY_LIMIT_MS },
    ...content,
  }
}

/** Writes a message as Slack's payload: the end of an operation for the whole room, an answer for the person who asked. */
function payloadOf(message: Message, visibility: Visibility, language: Language) {
  const { title, text, lines = [] } = message
  return {
    ...(visibility === 'replace'
      ? { replace_original: true }
      : { response_type: visibility === 'all' ? 'in_channel' : 'ephemeral' }),
    text: fitForSlack(title ?? text ?? lines.join(' '), LIMITS.section),
    blocks: blocksOf(message, language),
  }
}

function blocksOf({ title, text, fields = [], lines = [], button }: Message, language: Language) {
  const blocks: KnownBlock[] = []
  if (title) blocks.push({ type: 'header', text: plainText(title, LIMITS.header) })
  if (text) blocks.push({ type: 'section', text: plainText(text, LIMITS.section) })
  if (fields.length > 0) {
    const shown = fields.slice(0, LIMITS.fields)
    const elements = shown.map(({ name, value }) => plainText(`${name}\n${value}`, LIMITS.field))
    blocks.push({ type: 'section', fields: elements })
  }
  if (lines.length > 0) {
    blocks.push({ type: 'section', text: plainText(lines.join('\n'), LIMITS.section) })
  }
  if (button) blocks.push({ type: 'actions', elements: [buttonOf(button, language)] })
  return blocks
}

function buttonOf(button: Button, language: Language): ButtonElement {
  const labels = WORDINGS[language].chat.button
  const label = (text: string) => plainText(text, LIMITS.button)
  if (button.kind === 'refresh') {
    const { command: value } = button
    return { type: 'button', action_id: 'refresh', text: label(labels.refresh), value }
  }
  const { command, confirmation } = button
  return {
    type: 'button',
    action_id: 'confirm',
    style: 'primary',
    text: label(labels[command]),
    value: confirmationText(confirmation),
    confirm: {
      title: label(labels[command]),
      text: plainText(confirmation.command, LIMITS.confirm),
      confirm: label(labels[command]),
      deny: label(labels.cancel),
    },
  }
}

/** Returns plain text, so that Slack shows Markdown and names of emoji as they are. */
function plainText(text: string, maxLength: number): PlainTextElement {
  return { type: 'plain_text', text: fitForSlack(text, maxLength), emoji: false }
}

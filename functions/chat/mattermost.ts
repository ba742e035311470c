import * as v from 'valibot'
import { chatCallerName } from '../../shared/caller.ts'
import {
  type Confirmation,
  commandId,
  confirmationOf,
  confirmationText,
  type ReplyTo,
} from '../../shared/chat/command.ts'
import { commandOf, intentOf } from '../../shared/chat/grammar.ts'
import { plainLines } from '../../shared/outbox/webhooks.ts'
import { WORDINGS } from '../../shared/outbox/wording/all.ts'
import type { Language } from '../../shared/outbox/wording/languages.ts'
import { Problem } from '../../shared/problem.ts'
import { decodeBase64Url, encodeBase64Url } from '../../shared/web/base64.ts'
import { decodeUtf8 } from '../../shared/web/body.ts'
import { equalInConstantTime } from '../../shared/web/digest.ts'
import { hmac, hmacKey, isSignedBy } from '../../shared/web/hmac.ts'
import type { Transport } from '../../shared/web/transport.ts'
import { bodyText, malformed } from '../body.ts'
import type { Chat, MessageTemplate, Visibility } from './chat.ts'
import { addressAt, PREFIX, postTo, REPLY_LIMIT_MS } from './post.ts'

const utf8 = new TextEncoder()

/** The maximum length of a message. Source: https://developers.mattermost.com/integrate/slash-commands/ */
const MAX_MESSAGE_CHARACTERS = 16_383

const UserId = v.pipe(v.string(), v.regex(/^\w{1,64}$/))

/**
 * Opens Mattermost: a command that is verified by its token. Mattermost's buttons arrive unsigned, so people confirm with
 * a code.
 */
export function mattermost(
  { tokens, origin }: { tokens: string[]; origin: string | undefined },
  language: Language,
  transport: Transport,
): Chat {
  async function payloadOf(template: MessageTemplate, visibility: Visibility, { person }: ReplyTo) {
    const { button, ...message } = template(language, PREFIX)
    const typed = button?.kind === 'confirm' ? [await confirmLine(button.confirmation, person)] : []
    return {
      response_type: visibility === 'all' ? 'in_channel' : 'ephemeral',
      text: codeBlock([...plainLines(message), ...typed]),
      // Otherwise Mattermost turns text in Slack's syntax into mentions and links.
      skip_slack_parsing: true,
    }
  }

  async function confirmLine(confirmation: Confirmation, person: string): Promise<string> {
    const text = confirmationText(confirmation)
    const mac = await hmac(await hmacKey(utf8.encode(tokens[0])), signedBytes(person, text))
    const code = `${encodeBase64Url(utf8.encode(text))}.${encodeBase64Url(mac)}`
    const command = PREFIX + commandOf({ command: 'confirm', code })
    return WORDINGS[language].chat.confirm.code({ command })
  }

  async function confirmationIn(code: string, person: string): Promise<Confirmation | undefined> {
    const [encoded = '', mac = ''] = code.split('.')
    const bytes = decodeBase64Url(encoded)
    const text = bytes && decodeUtf8(bytes)
    if (!text) return undefined
    const isOurs = await isSignedBy(tokens, signedBytes(person, text), mac, encodeBase64Url)
    return isOurs ? confirmationOf(text) : undefined
  }

  return {
    name: 'mattermost',
    routes: [
      {
        path: '/chat/mattermost',
        async parse({ bytes, header, now }) {
          const form = new URLSearchParams(bodyText(bytes))
          mustHaveToken(header('authorization'), form.get('token'), tokens)
          const person = form.get('user_id') ?? ''
          if (!v.is(UserId, person)) malformed('The body must name a user')
          const text = form.get('text') ?? ''
          const intent = intentOf(text)
          const isCode = 'code' in intent
          const to = addressAt(origin, form.get('response_url'))
          return {
            id: await commandId(bytes, chatCallerName({ chat: 'mattermost', person })),
            at: now,
            text,
            confirmed: isCode ? await confirmationIn(intent.code, person) : undefined,
            replaces: false,
            replyTo: { chat: 'mattermost', person, to, until: now + REPLY_LIMIT_MS },
          }
        },
        bodyOf: (template, { replyTo }) => payloadOf(template, 'one', replyTo),
      },
    ],
    post: async (template, visibility, replyTo) =>
      postTo(replyTo.to, await payloadOf(template, visibility, replyTo), transport),
  }
}

/** Verifies the token of a request. @throws Problem `unauthenticated` */
function mustHaveToken(
  authorization: string | undefined,
  given: string | null,
  tokens: string[],
): void {
  const presented = authorization === undefined ? given : /^Token (\S+)$/i.exec(authorization)?.[1]
  const isKnown = tokens.filter((token) => equalInConstantTime(token, presented ?? '')).length > 0
  if (isKnown) return
  const detail = 'A valid token of Mattermost is required'
  throw new Problem('unauthenticated', detail, { reason: 'wrong-token' })
}

function signedBytes(person: string, text: string): Uint8Array {
  return utf8.encode(`confirm ${person} ${text}`)
}

/** Writes lines as a code block, in which nothing is Markdown or a mention. The fence is longer than any in the text. */
function codeBlock(lines: string[]): string {
  const text = lines.join('\n')
  const runs = text.match(/`+/g) ?? []
  const fence = '`'.repeat(Math.max(3, ...runs.map(({ length }) => length + 1)))
  const maxCharacters = MAX_MESSAGE_CHARACTERS - 2 * fence.length - 2
  return `${fence}\n${text.slice(0, maxCharacters)}\n${fence}`
}

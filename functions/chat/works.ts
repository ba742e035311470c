import { chatCallerName } from '../../shared/caller.ts'
import { commandId, confirmationOf, confirmationText } from '../../shared/chat/command.ts'
import { intentOf, isAddressed } from '../../shared/chat/grammar.ts'
import { REFUSED, resultOf } from '../../shared/outbox/deliver.ts'
import { plainLines } from '../../shared/outbox/webhooks.ts'
import { WORDINGS } from '../../shared/outbox/wording/all.ts'
import { LANGUAGES, type Language } from '../../shared/outbox/wording/languages.ts'
import { Problem } from '../../shared/problem.ts'
import type { WorksSettings } from '../../shared/settings.ts'
import type { Clock } from '../../shared/web/clock.ts'
import type { Transport } from '../../shared/web/transport.ts'
import type { Chat, Message, MessageTemplate } from './chat.ts'
import { type Content, openBot } from './works/bot.ts'
import { callbackOf, verifyCallback } from './works/callback.ts'

/** The maximum lengths of texts, in UTF-16 code units, and of a postback, in bytes. Source: https://developers.worksmobile.com/en/docs/bot-send-text */
const LIMITS = { text: 2_000, contentText: 1_000, postbackBytes: 300 }
const LOCALES = { en: 'en_US', ko: 'ko_KR', ja: 'ja_JP' } as const

const utf8 = new TextEncoder()

/** The postback of the button that begins a conversation. */
const START = 'start'

/** Opens NAVER WORKS and LINE WORKS: a bot that answers in the languages of its readers. */
export function works(
  { botSecrets, ...bot }: WorksSettings,
  language: Language,
  transport: Transport,
  clock: Clock,
): Chat {
  const send = openBot(bot, transport, clock)
  return {
    name: 'works',
    routes: [
      {
        path: '/chat/works',
        async parse({ bytes, header, now }) {
          const { botId } = bot
          const reason = await verifyCallback(bytes, header, { botId, botSecrets }, now)
          if (reason) {
            const detail = 'A valid signature of NAVER WORKS is required'
            throw new Problem('unauthenticated', detail, { reason })
          }
          const callback = callbackOf(bytes)
          if (!callback) return undefined
          const { userId: person, channelId, text, postback = '' } = callback
          // In a room people talk with each other: the bot answers commands only.
          if (channelId && !isForBot(text, postback)) return undefined
          const confirmed = confirmationOf(postback)
          const to = channelId
            ? `channels/${encodeURIComponent(channelId)}`
            : `users/${encodeURIComponent(person)}`
          return {
            id: await commandId(bytes, chatCallerName({ chat: 'works', person })),
            at: now,
            text: postback === START ? 'help' : text,
            confirmed,
            replaces: false,
            replyTo: { chat: 'works', person, to, until: Number.MAX_SAFE_INTEGER },
          }
        },
      },
    ],
    post: async (template, _, { to }) => {
      if (!to) return REFUSED
      const { status, waitSeconds } = await send(to, contentOf(template, language))
      return resultOf(status, waitSeconds || undefined)
    },
  }
}

/** True for a click, a command after `ncp`, and a command with a name, number or id that cannot be ordinary talk. */
function isForBot(text: string, postback: string): boolean {
  const intent = intentOf(text)
  const isNamed = isAddressed(text) && 'command' in intent
  const isCertain = 'name' in intent || ('of' in intent && /^(\d|op_)/.test(intent.of))
  return postback !== '' || isNamed || isCertain
}

/** Writes a message in every language, with a button if it asks for a confirmation. */
function contentOf(template: MessageTemplate, language: Language): Content {
  const { button } = template(language, '')
  if (button?.kind !== 'confirm') return textContent(template, language)
  const { command, confirmation } = button
  const postback = confirmationText(confirmation)
  if (utf8.encode(postback).length > LIMITS.postbackBytes) {
    return textContent((one) => ({ text: WORDINGS[one].chat.confirm.tooLong }), language)
  }
  const contentText = (one: Language) => fitText(template(one, ''), LIMITS.contentText)
  const label = (one: Language) => WORDINGS[one].chat.button[command]
  return {
    type: 'button_template',
    contentText: contentText(language),
    i18nContentTexts: inEachLanguage((one) => ({ contentText: contentText(one) })),
    actions: [
      {
        type: 'message',
        label: label(language),
        i18nLabels: inEachLanguage((one) => ({ label: label(one) })),
        text: label(language),
        i18nTexts: inEachLanguage((one) => ({ text: label(one) })),
        postback,
      },
    ],
  }
}

function textContent(template: MessageTemplate, language: Language): Content {
  const text = (one: Language) => fitText(template(one, ''), LIMITS.text)
  const i18nTexts = inEachLanguage((one) => ({ text: text(one) }))
  return { type: 'text', text: text(language), i18nTexts }
}

function inEachLanguage<Part extends object>(partIn: (language: Language) => Part) {
  return LANGUAGES.map((one) => ({ language: LOCALES[one], ...partIn(one) }))
}

/** Writes a whole message as text of a maximum length. `<` becomes `＜`, so that nothing is a mention: `<m userId="all">`. */
function fitText(message: Message, maxLength: number): string {
  const all = plainLines(message).join('\n').replaceAll('<', '＜')
  // Does not cut a surrogate pair in half.
  return all.length > maxLength
    ? `${all.slice(0, maxLength - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
    : all
}

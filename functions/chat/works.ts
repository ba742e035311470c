import type { Clock } from '../../shared/clock.ts'
import { intentOf } from '../../shared/intent.ts'
import { LANGUAGES, type Language, MESSAGES } from '../../shared/messages.ts'
import { Problem } from '../../shared/problem.ts'
import { callerName, confirmationOf, confirmationText, questionId } from '../../shared/question.ts'
import type { WorksSettings } from '../../shared/settings.ts'
import type { Transport } from '../../shared/transport.ts'
import type { Chat, Message, Wording } from './chat.ts'
import { type Content, openBot } from './works/bot.ts'
import { callbackOf, isGenuine } from './works/callback.ts'

/** The longest texts, in characters of UTF-16. Source: https://developers.worksmobile.com/en/docs/bot-send-text */
const MOST = { text: 2_000, contentText: 1_000, postbackBytes: 300 }
const LOCALES = { en: 'en_US', ko: 'ko_KR', ja: 'ja_JP' } as const

const utf8 = new TextEncoder()

/** NAVER WORKS and LINE WORKS: a bot that is written to, in its readers' languages. */
export function works(
  { botSecrets, ...bot }: WorksSettings,
  language: Language,
  transport: Transport,
  clock: Clock,
): Chat {
  const send = openBot(bot, transport, clock)
  return {
    name: 'works',
    doors: [
      {
        path: '/chat/works',
        async questionIn({ bytes, header, now }) {
          if (!(await isGenuine(bytes, header, { botId: bot.botId, botSecrets }, now))) {
            throw new Problem('unauthenticated', 'The request must be that of NAVER WORKS')
          }
          const callback = callbackOf(bytes)
          if (!callback) return undefined
          const { userId: person, channelId, text, postback = '' } = callback
          // In a room people speak with each other: what is no command is not for the bot.
          if (channelId && !isForBot(text, postback)) return undefined
          const confirmed = confirmationOf(postback)
          const to = channelId
            ? `channels/${encodeURIComponent(channelId)}`
            : `users/${encodeURIComponent(person)}`
          return {
            id: await questionId(bytes, callerName({ chat: 'works', person })),
            at: now,
            text,
            confirmed,
            replaces: false,
            replyTo: { chat: 'works', person, to, until: Number.MAX_SAFE_INTEGER },
          }
        },
      },
    ],
    say: (wording, _, { to }) => send(to, contentOf(wording, language)),
  }
}

/** A click, a command by the bot's name, or one that has a number and so can be nothing else. */
function isForBot(text: string, postback: string): boolean {
  const intent = intentOf(text)
  const isNamed = /^\s*\/?ncp\s/i.test(text.normalize('NFKC')) && 'command' in intent
  const isCertain = 'name' in intent || ('of' in intent && /^(\d|cr_)/.test(intent.of))
  return postback !== '' || isNamed || isCertain
}

/** A message in the reader's language; with a button, if there is something to agree to. */
function contentOf(wording: Wording, language: Language): Content {
  const { button } = wording(language, '')
  if (button?.kind !== 'confirm') return textContent(wording, language)
  const { command, confirmation } = button
  const postback = confirmationText(confirmation)
  const { length } = utf8.encode(postback)
  if (length > MOST.postbackBytes) {
    const text = `✗ ${length} > ${MOST.postbackBytes} bytes`
    return textContent((...how) => ({ ...wording(...how), text }), language)
  }
  const contentText = (one: Language) => textOf(wording(one, ''), MOST.contentText)
  const label = (one: Language) => MESSAGES[one].chat.button[command]
  return {
    type: 'button_template',
    contentText: contentText(language),
    i18nContentTexts: inEach((one) => ({ contentText: contentText(one) })),
    actions: [
      {
        type: 'message',
        label: label(language),
        i18nLabels: inEach((one) => ({ label: label(one) })),
        text: label(language),
        i18nTexts: inEach((one) => ({ text: label(one) })),
        postback,
      },
    ],
  }
}

function textContent(wording: Wording, language: Language): Content {
  const text = (one: Language) => textOf(wording(one, ''), MOST.text)
  return { type: 'text', text: text(language), i18nTexts: inEach((one) => ({ text: text(one) })) }
}

/** What a part of a message is in each language. */
function inEach<Part extends object>(partIn: (language: Language) => Part) {
  return LANGUAGES.map((one) => ({ language: LOCALES[one], ...partIn(one) }))
}

/** All of a message as text; what could be a mention, `<m userId="all">`, is none with a wider sign. */
function textOf({ title, text, fields = [], lines = [] }: Message, most: number): string {
  const facts = fields.map(({ name, value }) => `${name}: ${value}`)
  const all = [title, text, ...facts, ...lines].filter(Boolean).join('\n').replaceAll('<', '＜')
  // Not through the middle of a character outside the basic plane.
  return all.length > most ? `${all.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : all
}

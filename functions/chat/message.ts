import type { Creation } from '../../shared/creation/creation.ts'
import { endOf } from '../../shared/creation/notices.ts'
import { type Image, isFinal, type Phase } from '../../shared/image.ts'
import { type Command, commandOf, USAGE } from '../../shared/intent.ts'
import { type Language, MESSAGES } from '../../shared/messages.ts'
import type { CreationEnded } from '../../shared/notice.ts'
import { ending, filled, todoAbout } from '../../shared/notification.ts'
import { printable } from '../../shared/printable.ts'
import { storedProblem } from '../../shared/problem.ts'
import type { Message, Wording } from './chat.ts'
import type { Answer } from './converse.ts'

/** Whether what stands in a line would do; of a run nobody looks before. */
const MARKS = { fit: '✓', unfit: '✗', unchecked: '?', unasked: '·' }

/** What can be asked anywhere. */
const COMMANDS: Command[] = ['status', 'create', 'creations', 'jobs', 'run', 'help']

/** An answer as it is said. */
export function wordingOf(answer: Answer): Wording {
  return (language, prefix) => printed(worded(answer, language, prefix))
}

/** The end of a creation as it is said. */
export function endWording(event: CreationEnded): Wording {
  return (language) => printed(ending(event, language))
}

function worded(answer: Answer, language: Language, prefix: string): Message {
  const { chat, field } = MESSAGES[language]
  switch (answer.what) {
    case 'image':
      return imageMessage(answer.image, answer.command, language)
    case 'creation':
      return creationMessage(answer.creation, language)
    case 'list':
      return { title: answer.of, lines: answer.lines.length > 0 ? answer.lines : ['–'] }
    case 'help':
      return { title: 'help', lines: usageOf(COMMANDS, prefix) }
    case 'misread': {
      const { command, understood } = answer
      return {
        title: chat.misread,
        lines: [
          ...(understood ? [`✓ ${prefix}${understood}`] : []),
          ...usageOf(command ? [command] : COMMANDS, prefix),
          `→ ${prefix}${USAGE[command ?? 'status'].example}`,
        ],
      }
    }
    case 'summary': {
      const { command, name, state, lines, sizeGb, confirmation } = answer
      return {
        title: `${chat.button[command]}: ${name}`,
        text: state === 'unchecked' ? chat.unchecked : undefined,
        fields: sizeGb === null ? [] : [{ name: field.size, value: `${sizeGb} GB` }],
        lines: lines.map((line) => `${MARKS[state]} ${line}`),
        button: state === 'unfit' ? undefined : { kind: 'confirm', command, confirmation },
      }
    }
    case 'started': {
      const { creationId, content } = answer.creation
      return {
        text: filled(chat.started, { name: content.name }),
        lines: [`→ ${prefix}${commandOf({ command: 'status', of: creationId })}`],
      }
    }
    case 'refused':
      return answer.why === 'expired'
        ? { text: chat.expired, lines: [`→ ${prefix}${answer.command}`] }
        : { text: chat.forbidden }
    case 'problem':
      return problemMessage(answer, language, prefix)
    case 'late':
      return { text: chat.late }
  }
}

function imageMessage(image: Image, command: string, language: Language): Message {
  const { chat, field, title } = MESSAGES[language]
  const { imageNo, name, description, phase, status, os, sizeGb, createdAt, regionCode } = image
  const fields: [string, string | null][] = [
    [field.image, [imageNo, createdAt].filter(Boolean).join(' · ')],
    [field.size, sizeGb === null ? null : `${sizeGb} GB`],
    ['OS', os],
    [field.region, regionCode],
  ]
  const storages = image.storages ?? []
  const codes = [status.code, status.operation].filter(Boolean).join(' ')
  const headings: Partial<Record<Phase, string>> = { ...title, pending: chat.pending }
  return {
    title: filled(headings[phase] ?? '{name}: {phase} ({codes})', { name, phase, codes }),
    text: description ?? undefined,
    fields: fields.flatMap(([name, value]) => (value ? [{ name, value }] : [])),
    lines: storages.map(({ order, snapshotNo, snapshotName, sizeGb, volumeType }) =>
      [order, snapshotNo, sizeGb === null ? null : `${sizeGb} GB`, volumeType, snapshotName]
        .filter((part) => part !== null)
        .join(' '),
    ),
    button: isFinal(phase) ? undefined : { kind: 'refresh', command },
  }
}

/** Of a creation that has no image yet. */
function creationMessage(creation: Creation, language: Language): Message {
  const { creationId, content, updatedAt } = creation
  const { chat, field } = MESSAGES[language]
  const end = endOf(creation, updatedAt)
  if (end) return ending(end, language)
  return {
    title: filled(chat.pending, { name: content.name }),
    fields: [{ name: field.creation, value: creationId }],
    button: { kind: 'refresh', command: commandOf({ command: 'status', of: creationId }) },
  }
}

function problemMessage(
  { problem, name = '' }: Extract<Answer, { what: 'problem' }>,
  language: Language,
  prefix: string,
): Message {
  const { code, message } = problem
  const { chat } = MESSAGES[language]
  switch (code) {
    case 'image-not-found':
    case 'creation-not-found':
    case 'not-found':
      return { text: chat.absent }
    case 'quota-exceeded':
      return { lines: [`✗ ${code}: CHAT_DAILY_CREATIONS`] }
    case 'name-taken': {
      const command = prefix + commandOf({ command: 'status', of: name })
      return { lines: [`✗ ${name} ${code}`, `→ ${command}`] }
    }
    case 'invalid-input':
      return { text: message }
    default:
      return { text: todoAbout(storedProblem(problem), name, language) }
  }
}

function usageOf(commands: Command[], prefix: string): string[] {
  return commands.map((command) => {
    const { form, words } = USAGE[command]
    return `${prefix}${form}  (${words.join(' · ')})`
  })
}

/** Names, descriptions and messages come from elsewhere: each stays in its line, and shows all that it holds. */
function printed({ title, text, fields = [], lines = [], button }: Message): Message {
  return {
    ...(title && { title: printable(title) }),
    ...(text && { text: printable(text) }),
    fields: fields.map(({ name, value }) => ({ name, value: printable(value) })),
    lines: lines.map(printable),
    button,
  }
}

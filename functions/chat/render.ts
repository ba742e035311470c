import type { JobSummary } from '../../shared/api/jobs.ts'
import { COMMANDS, type Command, commandOf } from '../../shared/chat/grammar.ts'
import { type Image, isFinal } from '../../shared/image.ts'
import { endOf } from '../../shared/operations/announce.ts'
import { type Operation, statusOf } from '../../shared/operations/operation.ts'
import {
  checkMessage,
  imageProgressMessage,
  problemMessage,
  progressMessage,
} from '../../shared/outbox/messages.ts'
import type { OperationEnded } from '../../shared/outbox/notice.ts'
import { endMessage } from '../../shared/outbox/notification.ts'
import { WORDINGS } from '../../shared/outbox/wording/all.ts'
import type { Wording } from '../../shared/outbox/wording/wording.ts'
import { storedProblem } from '../../shared/problem.ts'
import { type Snapshot, snapshotTime } from '../../shared/snapshot.ts'
import { printable, shortWord } from '../../shared/web/printable.ts'
import type { Message, MessageTemplate } from './chat.ts'
import type { Answer, Summary } from './commands.ts'

/** The commands that the help lists. `confirm` is left out: only Mattermost has it, and explains it when it asks. */
const LISTED_COMMANDS: Command[] = [
  'status',
  'create',
  'recent',
  'snapshots',
  'jobs',
  'run',
  'help',
]

/** Writes an answer as a message. */
export function renderAnswer(answer: Answer): MessageTemplate {
  return (language, prefix) => toPrintable(render(answer, WORDINGS[language], prefix))
}

/** Writes the end of an operation as a message. */
export function renderEnd(event: OperationEnded): MessageTemplate {
  return (language) => toPrintable(endMessage(event, WORDINGS[language]))
}

function render(answer: Answer, wording: Wording, prefix: string): Message {
  const { chat } = wording
  switch (answer.what) {
    case 'image':
      return imageMessage(answer.image, answer.command, wording)
    case 'images': {
      const { name, images } = answer
      const lines = images.map(({ imageNo, phase }) => chat.list.image({ imageNo, status: phase }))
      return { title: chat.list.images({ name }), lines }
    }
    case 'operation':
      return operationMessage(answer.operation, wording)
    case 'operations':
      return listOf(answer.operations.map(operationLine(wording)), chat.list.operations)
    case 'snapshots': {
      const { storageNo, snapshots } = answer
      const { title, empty } = chat.list.snapshots
      const heading = { title: title({ storageNo }), empty: empty({ storageNo }) }
      return listOf(snapshots.map(snapshotLine(wording)), heading)
    }
    case 'jobs':
      return listOf(answer.jobs.map(jobLine(wording)), chat.list.jobs)
    case 'help':
      return { title: chat.help.title, lines: helpLines(LISTED_COMMANDS, wording, prefix) }
    case 'misread':
      return misreadMessage(answer, wording, prefix)
    case 'notFound': {
      const { kind, reference } = answer
      const text =
        kind === 'image'
          ? chat.notFound.image({ reference })
          : chat.notFound.operation({ operationId: reference })
      return { text }
    }
    case 'noSuchJob':
      return { text: chat.notFound.job(answer) }
    case 'minuteMissing':
      return { text: chat.confirm.minuteMissing(answer) }
    case 'summary':
      return summaryMessage(answer, wording, prefix)
    case 'started': {
      const { operationId, name } = answer.operation
      const command = prefix + commandOf({ command: 'status', of: operationId })
      return { text: chat.started({ name, command }) }
    }
    case 'forbidden':
      return { text: chat.confirm.forbidden(answer) }
    case 'expired':
      return { text: chat.confirm.expired({ command: prefix + answer.command }) }
    case 'problem':
      return { text: problemMessage(storedProblem(answer.problem), answer.name ?? '', wording) }
    case 'late':
      return { text: chat.late }
  }
}

/** Writes a list, or a sentence if the list is empty. */
function listOf(lines: string[], { title, empty }: { title: string; empty: string }): Message {
  return lines.length > 0 ? { title, lines } : { text: empty }
}

function operationLine({ chat }: Wording) {
  return (operation: Operation) =>
    chat.list.operation({
      name: operation.name,
      status: statusOf(operation),
      imageNo: operation.result?.imageNo ?? null,
      operationId: operation.operationId,
    })
}

function snapshotLine({ chat }: Wording) {
  return (snapshot: Snapshot) => {
    const { snapshotNo, name, sizeGb, bootable } = snapshot
    const createdAt = snapshot.createdAt === null ? null : snapshotTime(snapshot)
    const isBootable = bootable === true
    return chat.list.snapshots.item({ snapshotNo, name, sizeGb, createdAt, isBootable })
  }
}

function jobLine({ chat }: Wording) {
  return ({ name, nextRun, lastRun }: JobSummary) =>
    chat.list.job({
      job: name,
      next: nextRun && wallClock(nextRun.scheduledAt),
      last: lastRun && { ...lastRun, at: wallClock(lastRun.scheduledAt) },
    })
}

/** Writes the local part of an RFC 3339 time: `2026-11-22 03:30`. */
function wallClock(time: string): string {
  return time.slice(0, 16).replace('T', ' ')
}

function helpLines(commands: Command[], { chat }: Wording, prefix: string): string[] {
  return commands.map((command) => {
    const { form, purpose } = chat.help.command[command]
    const { words } = COMMANDS[command]
    const others = words.length > 0 ? ` (${words.join(' · ')})` : ''
    return `${prefix}${form}${others} – ${purpose}`
  })
}

function misreadMessage(
  { command, word, expected }: Extract<Answer, { what: 'misread' }>,
  wording: Wording,
  prefix: string,
): Message {
  const { title, unknownCommand, wrongWord, missingWord, extraWord, rule, example } =
    wording.chat.misread
  if (command === undefined || expected === 'command') {
    const text = word === undefined ? undefined : unknownCommand({ word: shortWord(word) })
    return { title, text, lines: helpLines(LISTED_COMMANDS, wording, prefix) }
  }
  const text = () => {
    if (expected === 'end') return extraWord({ word: shortWord(word ?? '') })
    return word === undefined
      ? missingWord({ rule: rule[expected] })
      : wrongWord({ word: shortWord(word), rule: rule[expected] })
  }
  return {
    title,
    text: text(),
    lines: [
      ...helpLines([command], wording, prefix),
      example({ command: prefix + COMMANDS[command].example }),
    ],
  }
}

function summaryMessage(summary: Summary, wording: Wording, prefix: string): Message {
  const { confirm } = wording.chat
  const { command, name, confirmation } = summary
  const button = { kind: 'confirm' as const, command, confirmation }
  if (summary.command === 'run') {
    return {
      title: confirm.run({ job: summary.job }),
      text: confirm.runCreates({ name }),
      button,
    }
  }
  const { state, checks, storages } = summary
  if (state === 'unfit') {
    const failed = checks.filter(({ ok }) => !ok)
    const hasSnapshotFault = failed.some(({ code }) => code !== 'name-free')
    return {
      title: confirm.impossible({ name }),
      lines: [
        ...failed.map((one) => `✗ ${checkMessage(one, wording)}`),
        ...(hasSnapshotFault ? helpLines(['snapshots'], wording, prefix) : []),
      ],
    }
  }
  const mark = state === 'fit' ? '✓' : '?'
  const sizes = storages.map(({ sizeGb }) => sizeGb)
  const totalGb = sizes.reduce(
    (sum, size) => (sum === null || size === null ? null : sum + size),
    0,
  )
  return {
    title: confirm.create({ name }),
    text: state === 'unchecked' ? confirm.unchecked : undefined,
    fields: totalGb === null ? [] : [{ name: wording.field.size, value: `${totalGb} GB` }],
    lines: [
      ...storages.map((storage, order) => {
        const { snapshotNo, sizeGb, volumeType } = storage
        return `${mark} ${confirm.storage({ order, snapshotNo, sizeGb, volumeType })}`
      }),
      ...(state === 'fit' ? [`✓ ${wording.check.nameFree({ name })}`] : []),
    ],
    button,
  }
}

function imageMessage(image: Image, command: string, wording: Wording): Message {
  const { field, title } = wording
  const { imageNo, name, description, phase, os, sizeGb, createdAt, regionCode } = image
  const fields: [string, string | null][] = [
    [field.image, imageNo],
    [field.created, createdAt === null ? null : wording.time(Date.parse(createdAt))],
    [field.size, sizeGb === null ? null : `${sizeGb} GB`],
    ['OS', os],
    [field.region, regionCode],
  ]
  const storages = image.storages ?? []
  return {
    title: isFinal(phase) ? title[phase]({ name }) : imageProgressMessage(image, wording),
    text: description ?? undefined,
    fields: fields.flatMap(([name, value]) => (value ? [{ name, value }] : [])),
    lines: storages.map(({ order, snapshotNo, snapshotName, sizeGb, volumeType }) => {
      const storage = wording.chat.confirm.storage({
        order,
        snapshotNo: snapshotNo ?? undefined,
        sizeGb,
        volumeType: volumeType ?? undefined,
      })
      return snapshotName === null ? storage : `${storage} (${snapshotName})`
    }),
    button: isFinal(phase) ? undefined : { kind: 'refresh', command },
  }
}

/** Writes the state of an operation that has no image yet. */
function operationMessage(operation: Operation, wording: Wording): Message {
  const { operationId, name, updatedAt } = operation
  const end = endOf(operation, updatedAt)
  if (end) return endMessage(end, wording)
  return {
    title: `${name}: ${wording.status[statusOf(operation)]}`,
    text: progressMessage(operation, wording),
    fields: [{ name: wording.field.operation, value: operationId }],
    button: { kind: 'refresh', command: commandOf({ command: 'status', of: operationId }) },
  }
}

/** Makes every part printable, because names, descriptions and words come from elsewhere. */
function toPrintable({ title, text, fields = [], lines = [], button }: Message): Message {
  return {
    ...(title && { title: printable(title) }),
    ...(text && { text: printable(text) }),
    fields: fields.map(({ name, value }) => ({ name, value: printable(value) })),
    lines: lines.map(printable),
    button,
  }
}

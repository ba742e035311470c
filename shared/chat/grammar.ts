import * as v from 'valibot'
import type {
  ImageContent,
  ImageStorage,
} from '../ncloud/actions/create-server-image-from-snapshot.ts'
import { Digits } from '../ncloud/values.ts'
import { FurtherStorage, ImageName, MAX_STORAGES } from '../operations/create-image/input.ts'

/** A command that somebody typed in a chat, with its arguments. */
export type Intent =
  | { command: 'status'; of: string }
  | ({ command: 'create' } & Pick<ImageContent, 'name' | 'storages'>)
  | { command: 'snapshots'; of: string }
  | { command: 'run'; job: string }
  | { command: 'confirm'; code: string }
  | { command: 'recent' | 'jobs' | 'help' }

/** The name of a command. */
export type Command = Intent['command']

/** A kind of argument. */
export type Argument = 'reference' | 'name' | 'snapshot' | 'storage' | 'storageNo' | 'job' | 'code'

/** A text that is not a valid command: the part that was understood, in canonical form, and the error after it. */
export interface Misreading {
  command?: Command | undefined
  understood: string
  /** The wrong word; `undefined` if a word is missing. */
  word?: string | undefined
  /** The expected element at that place: an argument, a command, or the end of the text. */
  expected: Argument | 'command' | 'end'
}

/** A command's words in other languages, its required arguments, and an example. */
interface CommandSyntax {
  words: string[]
  arguments: Argument[]
  example: string
}

/** The commands. If two words begin alike, the longer one comes first, also within one command. */
export const COMMANDS: Record<Command, CommandSyntax> = {
  status: {
    words: ['상태', '状態', 'ステータス'],
    arguments: ['reference'],
    example: 'status 12341457',
  },
  recent: { words: ['최근', '最近'], arguments: [], example: 'recent' },
  create: {
    words: ['생성', '作成'],
    arguments: ['name', 'snapshot'],
    example: 'create web-golden 12344697 50:CB2',
  },
  snapshots: {
    words: ['스냅샷', 'スナップショット'],
    arguments: ['storageNo'],
    example: 'snapshots 12340001',
  },
  jobs: { words: ['작업 목록', '작업', 'ジョブ 一覧', 'ジョブ'], arguments: [], example: 'jobs' },
  run: { words: ['실행', '実行'], arguments: ['job'], example: 'run nightly-web' },
  confirm: { words: ['확인', '確認'], arguments: ['code'], example: 'confirm 3f…' },
  help: { words: ['도움말', 'ヘルプ'], arguments: [], example: 'help' },
}

// Korean and Japanese words also match without inner spaces, and without a space before a number or a name.
const PATTERNS = Object.entries(COMMANDS).map(([command, { words }]) => ({
  command: command as Command,
  pattern: new RegExp(
    `^(?:${[command, ...words].join('|').replaceAll(' ', ' ?')})(?=$| |(?<=[^ -~])[!-~])`,
    'i',
  ),
}))

const isArgument: Record<Argument, (word: string) => boolean> = {
  // An image by number or name, or an operation by id.
  reference: (word) => /^(\d{1,20}|op_[0-9a-f]{32}|[A-Za-z][\w.-]{0,254})$/.test(word),
  name: (word) => v.is(ImageName, word),
  snapshot: (word) => v.is(Digits, word),
  storage: (word) => v.is(FurtherStorage, partsOf(word)),
  storageNo: (word) => v.is(Digits, word),
  job: (word) => /^[\w-]{1,64}$/.test(word),
  code: (word) => /^[\w.-]{1,2000}$/.test(word),
}

/**
 * Reads a text as a command. Accepts full-width letters and digits, and any number of spaces between words. Numbers must
 * consist of digits. An empty text means `help`.
 */
export function intentOf(text: string): Intent | Misreading {
  const given = normalize(text)
  if (!given) return { command: 'help' }
  const found = PATTERNS.find(({ pattern }) => pattern.test(given))
  if (!found) return { understood: '', word: given.split(' ')[0], expected: 'command' }
  const { command, pattern } = found
  const required = COMMANDS[command].arguments
  const words = given.replace(pattern, '').split(' ').filter(Boolean)
  for (const [at, word] of words.entries()) {
    const further = command === 'create' && at <= MAX_STORAGES ? 'storage' : 'end'
    const expected = required[at] ?? further
    if (expected === 'end' || !isArgument[expected](word)) {
      return { command, understood: [command, ...words.slice(0, at)].join(' '), word, expected }
    }
  }
  const expected = required[words.length]
  if (expected) return { command, understood: [command, ...words].join(' '), expected }
  return intentWith(command, words)
}

function intentWith(command: Command, [first = '', snapshotNo = '', ...further]: string[]): Intent {
  switch (command) {
    case 'status':
    case 'snapshots':
      return { command, of: first }
    case 'create':
      return {
        command,
        name: first,
        storages: [
          { snapshotNo },
          ...further.map((word) => v.parse(FurtherStorage, partsOf(word))),
        ],
      }
    case 'run':
      return { command, job: first }
    case 'confirm':
      return { command, code: first }
    default:
      return { command }
  }
}

/** Writes a command in canonical form. Reading that form gives the same command again. */
export function commandOf(intent: Intent): string {
  const { command, ...given } = intent
  const words = Object.values(given).flatMap((value) =>
    typeof value === 'string' ? value : value.map(wordOf),
  )
  return [command, ...words].join(' ')
}

/** Splits `50:CB2`, or `12344698:100:CB2` with a snapshot. The parts of any other word fail the schema of a storage. */
function partsOf(word: string) {
  const [, snapshotNo, size, type = ''] = /^(?:(\d+):)?(\d+):(\w+)$/.exec(word) ?? []
  return { ...(snapshotNo && { snapshotNo }), sizeGb: Number(size), volumeType: type.toUpperCase() }
}

function wordOf({ snapshotNo, sizeGb, volumeType }: ImageStorage): string {
  return [snapshotNo, sizeGb, volumeType].filter((part) => part !== undefined).join(':')
}

/** True for a text with words after `ncp`, which is meant for the relay even where people talk with each other. */
export function isAddressed(text: string): boolean {
  return /^\/?ncp \S/i.test(clean(text))
}

const PREFIX = /^\/?ncp( |$)/i

/** Cleans a text and drops a leading `/ncp`. */
function normalize(text: string): string {
  return clean(text).replace(PREFIX, '')
}

/**
 * Applies NFKC, removes invisible characters, unifies spaces, drops a leading mention (`@bot`), and reads the dashes that
 * keyboards and editors write as hyphens: U+2010 to U+2013 and U+2212 as one, the longer ones as two.
 */
function clean(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/[\u2010-\u2013\u2212]/g, '-')
    .replace(/[\u2014\u2015]/g, '--')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(/ ?: ?/g, ':')
    .trim()
    .replace(/^@\S+ ?/, '')
}

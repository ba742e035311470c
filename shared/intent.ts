import * as v from 'valibot'
import {
  FurtherStorage,
  type ImageContent,
  ImageName,
  MAX_STORAGES,
} from './ncloud/actions/create-server-image-from-snapshot.ts'
import { Digits } from './ncloud/values.ts'

/** What somebody in a chat wants. */
export type Intent =
  | { command: 'status'; of: string }
  | ({ command: 'create' } & Pick<ImageContent, 'name' | 'storages'>)
  | { command: 'run'; job: string }
  | { command: 'confirm'; code: string }
  | { command: 'creations' | 'jobs' | 'help' }

/** What a command begins with. */
export type Command = Intent['command']

/** What may come after a command. */
export type Argument = 'reference' | 'name' | 'snapshot' | 'storage' | 'job' | 'code'

/** How far a text was understood, in canonical form, and what was expected then: an argument, a command, or the end. */
export interface Misreading {
  command?: Command | undefined
  understood: string
  expected: Argument | 'command' | 'end'
}

/** How a command is written: its words in other languages, its form, an example, and the arguments that it needs. */
interface Usage {
  words: string[]
  form: string
  example: string
  needed: Argument[]
}

/** The commands; of two that begin alike the longer one is first, and of its words. */
export const USAGE: Record<Command, Usage> = {
  status: {
    words: ['상태', '状態', 'ステータス'],
    form: 'status <no | name | creation id>',
    example: 'status 12341457',
    needed: ['reference'],
  },
  creations: plain('creations', '생성 목록', '作成 一覧'),
  create: {
    words: ['생성', '作成'],
    form: 'create <name> <snapshotNo> [<GB>:<CB1|CB2|FB1|FB2> | <snapshotNo>:<GB>:<type>]…',
    example: 'create web-golden 12344697 50:CB2',
    needed: ['name', 'snapshot'],
  },
  jobs: plain('jobs', '작업 목록', '작업', 'ジョブ 一覧', 'ジョブ'),
  run: {
    words: ['실행', '実行'],
    form: 'run <job>',
    example: 'run nightly-web',
    needed: ['job'],
  },
  confirm: {
    words: ['확인', '確認'],
    form: 'confirm <code>',
    example: 'confirm 3f…',
    needed: ['code'],
  },
  help: plain('help', '도움말', 'ヘルプ'),
}

/** A command without arguments. */
function plain(command: Command, ...words: string[]): Usage {
  return { words, form: command, example: command, needed: [] }
}

// Words of Korean and Japanese need no space in them, nor before a number or a name.
const COMMANDS = Object.entries(USAGE).map(([command, { words, needed }]) => ({
  command: command as Command,
  needed,
  pattern: new RegExp(
    `^(?:${[command, ...words].join('|').replaceAll(' ', ' ?')})(?=$| |(?<=[^ -~])[!-~])`,
    'i',
  ),
}))

const isArgument: Record<Argument, (word: string) => boolean> = {
  // An image by number or name, or a creation by id.
  reference: (word) => /^(\d{1,20}|cr_[0-9a-f]{32}|[A-Za-z][\w.-]{0,254})$/.test(word),
  name: (word) => v.is(ImageName, word),
  snapshot: (word) => v.is(Digits, word),
  storage: (word) => v.is(FurtherStorage, storageOf(word)),
  job: (word) => /^[\w-]{1,64}$/.test(word),
  code: (word) => /^[\w.-]{1,2000}$/.test(word),
}

/**
 * What a text asks for. Full-width letters and digits are read as any, and spaces, as many as there are, separate; numbers
 * must be digits alone. No text at all asks for help.
 */
export function intentOf(text: string): Intent | Misreading {
  const given = normalized(text)
  if (!given) return { command: 'help' }
  const found = COMMANDS.find(({ pattern }) => pattern.test(given))
  if (!found) return { understood: '', expected: 'command' }
  const { command, pattern, needed } = found
  const words = given.replace(pattern, '').split(' ').filter(Boolean)
  for (const [at, word] of words.entries()) {
    const further = command === 'create' && at <= MAX_STORAGES ? 'storage' : 'end'
    const expected = needed[at] ?? further
    if (expected === 'end' || !isArgument[expected](word)) {
      return { command, understood: [command, ...words.slice(0, at)].join(' '), expected }
    }
  }
  const expected = needed[words.length]
  if (expected) return { command, understood: [command, ...words].join(' '), expected }
  return intentWith(command, words)
}

function intentWith(command: Command, [first = '', snapshotNo, ...further]: string[]): Intent {
  switch (command) {
    case 'status':
      return { command, of: first }
    case 'create':
      return { command, name: first, storages: [{ snapshotNo }, ...further.map(storageOf)] }
    case 'run':
      return { command, job: first }
    case 'confirm':
      return { command, code: first }
    default:
      return { command }
  }
}

/** An intent in canonical form: the text that means it, and nothing else does. */
export function commandOf(intent: Intent): string {
  const { command, ...given } = intent
  const words = Object.values(given).flatMap((value) =>
    typeof value === 'string' ? value : value.map(wordOf),
  )
  return [command, ...words].join(' ')
}

type Storage = ImageContent['storages'][number]

/** `50:CB2`, or `12344698:100:CB2` of a snapshot; of any other word a storage that there cannot be. */
function storageOf(word: string): Storage {
  const [, snapshotNo, size, type = ''] = /^(?:(\d+):)?(\d+):(\w+)$/.exec(word) ?? []
  const volumeType = type.toUpperCase() as Storage['volumeType']
  return { ...(snapshotNo && { snapshotNo }), sizeGb: Number(size), volumeType }
}

function wordOf({ snapshotNo, sizeGb, volumeType }: Storage): string {
  return [snapshotNo, sizeGb, volumeType].filter((part) => part !== undefined).join(':')
}

/** Compatibility forms and invisible characters undone (NFKC), and less the name of the relay's own command. */
function normalized(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(/ ?: ?/g, ':')
    .trim()
    .replace(/^\/?ncp( |$)/i, '')
}

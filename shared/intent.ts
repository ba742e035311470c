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

/** The words of each command; of two that begin alike the longer one is first. */
const WORDS: [Command, string][] = [
  ['status', 'status|상태|状態|ステータス'],
  ['creations', 'creations|생성 ?목록|作成 ?一覧'],
  ['create', 'create|생성|作成'],
  ['jobs', 'jobs|작업 ?목록|작업|ジョブ ?一覧|ジョブ'],
  ['run', 'run|실행|実行'],
  ['confirm', 'confirm|확인|確認'],
  ['help', 'help|도움말|ヘルプ'],
]

/** How each command is written: its form, its other words, and an example. */
export const USAGE: Record<Command, { form: string; words: string; example: string }> = {
  status: {
    form: 'status <no | name | creation id>',
    words: '상태 · 状態',
    example: 'status 12341457',
  },
  create: {
    form: 'create <name> <snapshotNo> [<GB>:<type> | <snapshotNo>:<GB>:<type>]…',
    words: '생성 · 作成',
    example: 'create web-golden 12344697 50:CB2',
  },
  creations: { form: 'creations', words: '생성 목록 · 作成一覧', example: 'creations' },
  jobs: { form: 'jobs', words: '작업 · ジョブ', example: 'jobs' },
  run: { form: 'run <job>', words: '실행 · 実行', example: 'run nightly-web' },
  confirm: { form: 'confirm <code>', words: '확인 · 確認', example: 'confirm 3f…' },
  help: { form: 'help', words: '도움말 · ヘルプ', example: 'help' },
}

// Words of Korean and Japanese need no space before a number or a name.
const COMMANDS = WORDS.map(([command, words]) => ({
  command,
  pattern: new RegExp(`^(?:${words})(?=$| |(?<=[^ -~])[!-~])`, 'i'),
}))

/** The arguments that each command needs. */
const ARGUMENTS: Record<Command, Argument[]> = {
  status: ['reference'],
  create: ['name', 'snapshot'],
  run: ['job'],
  confirm: ['code'],
  creations: [],
  jobs: [],
  help: [],
}

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
  const plain = normalized(text)
  if (!plain) return { command: 'help' }
  const found = COMMANDS.find(({ pattern }) => pattern.test(plain))
  if (!found) return { understood: '', expected: 'command' }
  const { command, pattern } = found
  const words = plain.replace(pattern, '').split(' ').filter(Boolean)
  const needed = ARGUMENTS[command]
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

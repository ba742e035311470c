import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { startSandbox } from './support/sandbox.ts'

const run = promisify(execFile)

/** The address in the documentation; a test has a sandbox on another port. */
const SHOWN_URL = 'http://127.0.0.1:8787'

/** Commands that other tests or CI execute, because they take long or do not end. */
const ELSEWHERE: Record<string, string> = {
  'npm ci': '.ci/run',
  'npm test': '.ci/run',
  'npm start': 'test/start.test.ts',
  'npm run build': '.ci/run',
  'npm run check': '.ci/run',
  'npm run check:types': 'package.json',
  'npm run check:format': 'package.json',
  'npm run check:sources': 'package.json',
}

interface Block {
  commands: string
  /** The reason why no test executes it. */
  excuse: string | undefined
  /** The JSON that stands below it, if there is some. */
  answer: string | undefined
}

const files = [
  ...readdirSync('.').filter((file) => file.endsWith('.md')),
  ...readdirSync('docs').flatMap((file) => (file.endsWith('.md') ? [`docs/${file}`] : [])),
  'test/gateway/README.md',
]

/** Returns the blocks of commands in a file, with the block of JSON that directly follows each. */
function blocksIn(file: string): Block[] {
  const text = readFileSync(file, 'utf8')
  const block =
    /(?:<!-- not run by tests: ([^>]+) -->\n)?```(?:sh|bash|shell|console)\n(.*?)```(?:\n\n```json\n(.*?)```)?/gs
  return [...text.matchAll(block)].map(([, excuse, commands = '', answer]) => {
    return { excuse, commands, answer }
  })
}

/** Returns the commands of a block that a test of this file executes. */
function ownCommands({ commands }: Block): string {
  return commands
    .split('\n')
    .filter((line) => !(line in ELSEWHERE))
    .join('\n')
    .trim()
}

const documented = files.map((file) => ({ file, blocks: blocksIn(file) }))
const translations = ['README.ko.md', 'README.ja.md']

describe('the commands of', () => {
  const executed = documented
    .filter(({ file }) => !translations.includes(file))
    .map(({ file, blocks }) => {
      return { file, blocks: blocks.filter((one) => !one.excuse && ownCommands(one)) }
    })
    .filter(({ blocks }) => blocks.length > 0)

  test.concurrent.each(executed)('$file work as they stand', async ({ blocks }) => {
    const sandbox = await startSandbox('start')
    const { port } = new URL(sandbox.url)
    const env = { ...process.env, PORT: port }
    let exports = ''
    try {
      for (const block of blocks) {
        const commands = ownCommands(block).replaceAll(SHOWN_URL, sandbox.url)
        const { stdout } = await run('sh', ['-ec', exports + commands], { env })
        exports += (commands.match(/^export .*$/gm) ?? []).map((line) => `${line}\n`).join('')
        expect(stdout, commands).not.toContain('"unauthenticated"')
        if (block.answer) expectSameShape(stdout, block.answer)
      }
    } finally {
      await sandbox.stop()
    }
  })
})

/** Asserts that an answer has the members of the documented one, if that is complete JSON. */
function expectSameShape(actual: string, shown: string) {
  const example = parsed(shown)
  if (example === undefined) return
  expect(Object.keys(JSON.parse(actual)).sort()).toEqual(Object.keys(example).sort())
}

function parsed(text: string): object | undefined {
  try {
    return JSON.parse(text)
  } catch {
    // An example that is shortened with … is not JSON.
    return undefined
  }
}

test.each(translations)('%s has the commands of the English text', (file) => {
  const commandsOf = (name: string) => blocksIn(name).map(({ commands }) => commands)
  expect(commandsOf(file)).toEqual(commandsOf('README.md'))
})

test('a command without a test has a reason', () => {
  const reasons = documented.flatMap(({ blocks }) => blocks.flatMap(({ excuse }) => excuse ?? []))
  for (const reason of reasons) expect(reason).toMatch(/^(needs|takes|a server) /)
})

test('the commands that others execute are there', () => {
  for (const [command, file] of Object.entries(ELSEWHERE)) {
    const [, , script = command.split(' ')[1]] = command.split(' ')
    expect(readFileSync(file, 'utf8'), command).toContain(script)
  }
})

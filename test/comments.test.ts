import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** Matches a doc comment that opens with a subordinate clause: `What …`, `Whether …`. */
const HEADLESS = /^(What|Whatever|Whether|Who|Whoever|Whom|Whose|Where|How|When|So)\b/

// Planted comments are put together from this, so that the check does not find them in this file.
const OPENING = '/**'

const files = ['functions', 'shared', 'scripts', 'test'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/node_modules|generated/.test(file))
    .map((file) => join(folder, file)),
)

/** Returns the openings of the doc comments in a text, with their lines. */
function openingsIn(text: string): { line: number; opening: string }[] {
  return [...text.matchAll(/\/\*\*\s*(?:\*\s*)?([^\n*]+)/g)].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    opening: match[1]?.trim() ?? '',
  }))
}

function headlessIn(text: string) {
  return openingsIn(text).filter(({ opening }) => HEADLESS.test(opening))
}

test('doc comments open with a verb or a noun', () => {
  const found = files.flatMap((file) =>
    headlessIn(readFileSync(file, 'utf8')).map(({ line, opening }) => `${file}:${line} ${opening}`),
  )
  expect(found).toEqual([])
})

test('the check finds planted comments of one and of several lines', () => {
  const planted = [
    `${OPENING} What it does. */`,
    `${OPENING}\n * Whether it does.\n */`,
    `${OPENING} So long it does. */`,
  ]
  expect(planted.flatMap(headlessIn).map(({ opening }) => opening)).toEqual([
    'What it does.',
    'Whether it does.',
    'So long it does.',
  ])
  expect(headlessIn('/** Whole numbers only. */\n/** Returns what was found. */')).toEqual([])
})

import { describe, expect, test } from 'vitest'
import openapi from '../../../functions/openapi.json' with { type: 'json' }
import { COMMANDS } from '../../../shared/chat/grammar.ts'
import { WORDINGS } from '../../../shared/outbox/wording/all.ts'
import { LANGUAGES } from '../../../shared/outbox/wording/languages.ts'
import type { Sentence, Wording } from '../../../shared/outbox/wording/wording.ts'

type FactsOf<Part> =
  Part extends Sentence<infer Facts>
    ? Facts extends number
      ? never
      : Facts
    : Part extends object
      ? FactsOf<Part[keyof Part]>
      : never
type Intersected<Union> = (Union extends unknown ? (one: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never

/** The facts of every sentence at once: a sentence that needs another fact does not compile here. */
const facts: Intersected<FactsOf<Wording>> = {
  name: 'web-golden',
  job: 'nightly-web',
  hours: 26,
  holder: { imageNo: '12341457', status: 'ready', since: '2026-11-21T03:36:00+09:00' },
  storageNo: '12340001',
  maxAgeHours: 48,
  message: '1300 TOOMANY',
  action: 'createServerImageFromSnapshot',
  dailyCreations: 5,
  snapshotNo: '12344697',
  regionCode: 'KR',
  phase: 'pending',
  hypervisor: 'XEN',
  sizeGb: 70,
  storageGb: 40,
  failed: 2,
  knownBy: Date.UTC(2026, 10, 21, 3, 36),
  codes: 'CREAT COPYY',
  word: 'WEBBAD',
  rule: '12345 67890.',
  command: '/ncp status 12341457',
  imageNo: '12341457',
  operationId: 'op_0123',
  status: 'ready',
  createdAt: Date.UTC(2026, 10, 21, 3, 36),
  isBootable: true,
  next: '2026-11-22 03:30',
  last: { at: '2026-11-21 03:30', status: 'failed', imageNo: '12341458' },
  reference: '12341459',
  jobs: ['nightly-web', 'weekly-web'],
  order: 3,
  volumeType: 'CB2',
  person: 'T01234567:U01234567',
}

/** The same facts, with some unknown or different. */
const variants = [
  facts,
  { ...facts, holder: undefined, hypervisor: null, sizeGb: null, failed: 0, phase: 'unknown' },
  { ...facts, holder: { operationId: 'op_0123', status: 'accepted', since: null }, last: null },
  { ...facts, holder: { status: 'sending', since: null }, dailyCreations: undefined, order: 0 },
  { ...facts, createdAt: null, isBootable: false, next: null },
  { ...facts, reference: 'web-golden', jobs: [], failed: 1 },
]

interface Text {
  path: string
  text: string
}

/** Writes every sentence of a language, with all variants of the facts. */
function textsOf(part: unknown, path = ''): Text[] {
  if (typeof part === 'string') return [{ path, text: part }]
  if (typeof part === 'function') {
    if (/^\.(time|duration)$/.test(path)) return [{ path, text: part(93_784) }]
    return variants.map((given) => ({ path, text: part(given) }))
  }
  return Object.entries(part ?? {}).flatMap(([key, one]) => textsOf(one, `${path}.${key}`))
}

/** Writes every sentence of a language, and also without the names and numbers that may be missing. */
function allTextsOf({ chat, ...wording }: Wording): Text[] {
  const { snapshots, operation } = chat.list
  const incomplete = { ...facts, name: null, sizeGb: null, createdAt: null, isBootable: false }
  return [
    ...textsOf({ chat, ...wording }),
    { path: '.chat.list.snapshots.item', text: snapshots.item(incomplete) },
    { path: '.chat.list.operation', text: operation({ ...facts, imageNo: null }) },
    {
      path: '.chat.confirm.storage',
      text: chat.confirm.storage({ ...facts, snapshotNo: undefined, sizeGb: null }),
    },
  ]
}

const codes = openapi.components.schemas.Problem.properties.code.enum.filter((code) =>
  code.includes('-'),
)

/** Words that only the code and its documents use. */
const INTERNAL =
  /\b(operations?|ledger|reconciled?|ticks?|claim(ed)?|upstream|marker|fingerprint|idempoten\w+|told|notifier|desk|lane|wish|GET|POST)\b/i

/** Latin words that a Korean or Japanese reader knows: names, units, and words of the command line. */
const KNOWN_WORDS = new Set([
  ...['NAVER', 'Cloud', 'WORKS', 'KVM', 'GB', 'HTTP', 'ID', 'UTC', 'HHmm', 'op_', 'ncp'],
  ...['CB1', 'CB2', 'FB1', 'FB2', ...Object.keys(COMMANDS)],
])

const values = [...new Set(variants.flatMap((one) => Object.values(one).flat()))]
  .flatMap((value) => (Object(value) === value ? Object.values(Object(value)) : [value]))
  .filter((value) => typeof value === 'string')

/** Returns what is wrong with a text in a language. */
function faultsOf({ path, text }: Text, language: string): string[] {
  // The facts are the reader's own words and numbers. Only the wording is checked.
  const own = values.reduce<string>((rest, value) => rest.replaceAll(value, ''), text)
  const latin = own.match(/[A-Za-z][\w]*/g) ?? []
  return [
    ...(/undefined|null|NaN|\[object/.test(text) ? [`${path} has a hole: ${text}`] : []),
    ...(/[A-Z]+_[A-Z]/.test(own) ? [`${path} names a setting: ${text}`] : []),
    ...codes.filter((code) => own.includes(code)).map((code) => `${path} has the code ${code}`),
    ...(INTERNAL.test(own) && !/\.(form|help\.command)/.test(path)
      ? [`${path} has an internal word: ${text}`]
      : []),
    ...(language === 'en'
      ? []
      : latin
          .filter((word) => !KNOWN_WORDS.has(word))
          .map((word) => `${path} is not translated: ${word}`)),
  ]
}

describe.each(LANGUAGES)('the wording in %s', (language) => {
  const texts = allTextsOf(WORDINGS[language])

  test('has no codes, setting names, internal words, holes or untranslated words', () => {
    expect(texts.flatMap((text) => faultsOf(text, language))).toEqual([])
    expect(texts.length).toBeGreaterThan(400)
  })

  test('contains the same names and numbers as the English wording', () => {
    const english = allTextsOf(WORDINGS.en)
    const missing = texts.flatMap(({ path, text }, i) => {
      const named = values.filter((value) => /\d/.test(value) && english[i]?.text.includes(value))
      return named.filter((value) => !text.includes(value)).map((value) => `${path}: ${value}`)
    })
    expect(missing).toEqual([])
  })
})

test.each(['ko', 'ja'] as const)('no sentence in %s equals the English one', (language) => {
  const english = new Map(textsOf(WORDINGS.en).map(({ path, text }) => [path + text, text]))
  const same = textsOf(WORDINGS[language]).filter(
    ({ path, text }) =>
      english.has(path + text) && !/^(\.chat\.help\.command\.\w+\.form)$/.test(path),
  )
  expect(same).toEqual([])
})

test.each<[string, string, string]>([
  [
    'a code',
    '처리하지 못했습니다 (upstream-malformed).',
    '.planted has the code upstream-malformed',
  ],
  ['a setting', '권한이 없습니다: CHAT_CREATORS', '.planted names a setting'],
  ['an English sentence', 'Look at the console.', '.planted is not translated: Look'],
  ['an internal word', '다음 tick 에 처리합니다.', '.planted has an internal word'],
  ['a route', '확인하세요: GET /v1/jobs', '.planted has an internal word'],
  ['a hole', '이미지 undefined', '.planted has a hole'],
])('the check finds %s', (_, text, fault) => {
  const found = faultsOf({ path: '.planted', text }, 'ko')
  expect(found.some((one) => one.startsWith(fault))).toBe(true)
})

// In the local time of the readers: Korea and Japan are nine hours ahead of UTC all year.
test.each([
  ['en', '21 Nov 03:36 UTC+9', '1 h 2 min'],
  ['ko', '11월 21일 03:36', '1시간 2분'],
  ['ja', '11月21日 03:36', '1時間2分'],
] as const)('writes times and durations in %s', (language, time, duration) => {
  const wording = WORDINGS[language]
  expect(wording.time(Date.UTC(2026, 10, 20, 18, 36))).toBe(time)
  expect(wording.duration(3_725)).toBe(duration)
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commandOf, type Intent, intentOf } from '../../../shared/chat/grammar.ts'

const base = { snapshotNo: '12344697' }
const create = (...storages: object[]) => ({
  command: 'create',
  name: 'web-golden',
  storages: [base, ...storages],
})

describe('a command', () => {
  test.each<[string, object]>([
    ['status 12341457', { command: 'status', of: '12341457' }],
    ['/ncp status web-golden', { command: 'status', of: 'web-golden' }],
    ['ncp STATUS 12341457', { command: 'status', of: '12341457' }],
    [`status op_${'a1'.repeat(16)}`, { command: 'status', of: `op_${'a1'.repeat(16)}` }],
    ['상태 12341457', { command: 'status', of: '12341457' }],
    ['상태12341457', { command: 'status', of: '12341457' }],
    ['状態　１２３４１４５７', { command: 'status', of: '12341457' }],
    ['ステータス web-golden', { command: 'status', of: 'web-golden' }],
    ['ｽﾃｰﾀｽ web-golden', { command: 'status', of: 'web-golden' }],
    ['  status \t 12341457  ', { command: 'status', of: '12341457' }],
    ['status \u200b12341457\u2060', { command: 'status', of: '12341457' }],
    ...['\u2010', '\u2011', '\u2012', '\u2013', '\u2212', '\uff0d'].map(
      (dash): [string, object] => [
        `status web${dash}golden`,
        { command: 'status', of: 'web-golden' },
      ],
    ),
    ['status a\u2014b', { command: 'status', of: 'a--b' }],
    ['status a\u2015b', { command: 'status', of: 'a--b' }],
    ['@bot 상태 12341457', { command: 'status', of: '12341457' }],
    ['@bot', { command: 'help' }],
    ['\u200bncp jobs', { command: 'jobs' }],
    ['create web-golden 12344697', create()],
    ['생성 web-golden 12344697', create()],
    ['作成 web-golden 12344697', create()],
    ['create web-golden 12344697 50:CB2', create({ sizeGb: 50, volumeType: 'CB2' })],
    [
      'ＣＲＥＡＴＥ ｗｅｂ-ｇｏｌｄｅｎ １２３４４６９７ ５０：ｃｂ２',
      create({ sizeGb: 50, volumeType: 'CB2' }),
    ],
    [
      'create web-golden 12344697 12344698 : 100 : FB1 10:CB1',
      create(
        { snapshotNo: '12344698', sizeGb: 100, volumeType: 'FB1' },
        { sizeGb: 10, volumeType: 'CB1' },
      ),
    ],
    ['recent', { command: 'recent' }],
    ['최근', { command: 'recent' }],
    ['最近', { command: 'recent' }],
    ['jobs', { command: 'jobs' }],
    ['작업', { command: 'jobs' }],
    ['작업 목록', { command: 'jobs' }],
    ['ジョブ', { command: 'jobs' }],
    ['run nightly-web', { command: 'run', job: 'nightly-web' }],
    ['실행 nightly_web', { command: 'run', job: 'nightly_web' }],
    ['実行 nightly-web', { command: 'run', job: 'nightly-web' }],
    ['confirm a-b_c.D', { command: 'confirm', code: 'a-b_c.D' }],
    ['help', { command: 'help' }],
    ['도움말', { command: 'help' }],
    ['ヘルプ', { command: 'help' }],
    ['', { command: 'help' }],
    [' /ncp ', { command: 'help' }],
  ])('%j is understood', (text, intent) => expect(intentOf(text)).toEqual(intent))

  test.each([
    ['hello', '', 'command'],
    ['statusx 1', '', 'command'],
    ['상태를 1', '', 'command'],
    ['생성자 web-golden 1', '', 'command'],
    ['status', 'status', 'reference'],
    ['status 12,341,457', 'status', 'reference'],
    ['status 12341457번', 'status', 'reference'],
    ['status -1', 'status', 'reference'],
    ['status 123456789012345678901', 'status', 'reference'],
    ['status 1 2', 'status 1', 'end'],
    ['create', 'create', 'name'],
    ['create Web_Golden 1', 'create', 'name'],
    ['create web-golden', 'create web-golden', 'snapshot'],
    ['create web-golden 50:CB2', 'create web-golden', 'snapshot'],
    ['create web-golden 1 2', 'create web-golden 1', 'storage'],
    ['create web-golden 1 55:CB2', 'create web-golden 1', 'storage'],
    ['create web-golden 1 0:CB2', 'create web-golden 1', 'storage'],
    ['create web-golden 1 1e2:CB2', 'create web-golden 1', 'storage'],
    ['create web-golden 1 50:CB3', 'create web-golden 1', 'storage'],
    ['create web-golden 1 9:1:50:CB2', 'create web-golden 1', 'storage'],
    ['create web-golden 1 50:CB2 x', 'create web-golden 1 50:CB2', 'storage'],
    [
      `create web-golden 1${' 10:CB1'.repeat(21)}`,
      `create web-golden 1${' 10:CB1'.repeat(20)}`,
      'end',
    ],
    ['run', 'run', 'job'],
    ['run a b', 'run a', 'end'],
    ['jobs all', 'jobs', 'end'],
    ['help me', 'help', 'end'],
    ['confirm', 'confirm', 'code'],
    ['confirm a&b', 'confirm', 'code'],
  ])('%j is understood up to %j', (text, understood, expected) =>
    expect(intentOf(text)).toMatchObject({ understood, expected }),
  )
})

const digits = fc.stringMatching(/^[0-9]{1,20}$/)
const storage = fc.record(
  {
    snapshotNo: digits,
    sizeGb: fc.integer({ min: 1, max: 9_000 }).map((tens) => tens * 10),
    volumeType: fc.constantFrom('CB1' as const, 'CB2' as const, 'FB1' as const, 'FB2' as const),
  },
  { requiredKeys: ['sizeGb', 'volumeType'] },
)
const intent: fc.Arbitrary<Intent> = fc.oneof(
  fc.record({
    command: fc.constant('create' as const),
    name: fc.stringMatching(/^[a-z][a-z0-9-]{1,28}[a-z0-9]$/),
    storages: fc
      .tuple(fc.record({ snapshotNo: digits }), fc.array(storage, { maxLength: 20 }))
      .map(([first, more]) => [first, ...more]),
  }),
  fc.record({ command: fc.constant('status' as const), of: digits }),
  fc.record({ command: fc.constant('run' as const), job: fc.stringMatching(/^[\w-]{1,64}$/) }),
  fc.constantFrom(
    { command: 'help' as const },
    { command: 'jobs' as const },
    { command: 'recent' as const },
  ),
)

test('a command in canonical form has the same intent when parsed, and fits in a button', () => {
  fc.assert(
    fc.property(intent, (it) => {
      const text = commandOf(it)
      expect(intentOf(text)).toEqual(it)
      expect(commandOf(intentOf(text) as Intent)).toBe(text)
      expect(text).toMatch(/^[!-~]+( [!-~]+)*$/)
      // Slack allows 2,000 characters for the value of a button. The id takes 32 and the expiry nine.
      expect(text.length).toBeLessThan(1_900)
    }),
    { numRuns: 500 },
  )
})

test('every text is parsed without an exception', () => {
  const word = fc.constantFrom(
    'status',
    '상태',
    'create',
    'run',
    '/ncp',
    '50:CB2',
    '1',
    'web-golden',
    ':',
    '　',
  )
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.array(fc.oneof(word, fc.string())).map((all) => all.join(' ')),
  )
  fc.assert(
    fc.property(text, (it) => {
      const read = intentOf(it)
      // The understood part is understood again.
      if ('understood' in read) expect(intentOf(read.understood)).toHaveProperty('command')
      else expect(intentOf(commandOf(read))).toEqual(read)
    }),
    { numRuns: 2_000 },
  )
})

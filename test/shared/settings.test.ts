import { describe, expect, test } from 'vitest'
import { listenAddress, parseSettings } from '../../shared/settings.ts'

const pair = { NCLOUD_ACCESS_KEY: 'access', NCLOUD_SECRET_KEY: 'secret' }
const sha256 = 'a'.repeat(64)
const job = {
  name: 'nightly',
  cron: '30 3 * * *',
  timeZone: 'Asia/Seoul',
  image: { name: 'web-{yyMMdd}', storages: [{ latestSnapshotOf: '1' }] },
}

async function errorsOf(environment: Record<string, unknown>) {
  const parsed = await parseSettings(environment)
  return 'errors' in parsed ? parsed.errors : []
}

test('a key pair is enough, and all other settings have defaults', async () => {
  expect(await parseSettings(pair)).toEqual({
    value: {
      relayName: '',
      site: 'public',
      origin: 'https://ncloud.apigw.ntruss.com',
      regionCode: 'KR',
      credentials: { accessKey: 'access', secretKey: 'secret' },
      keys: [],
      jobs: [],
      targets: {},
      language: 'en',
      chats: {},
      creators: { slack: [], mattermost: [], works: [] },
      dailyCreations: undefined,
      console: 'https://console.ncloud.com/',
      database: 'relay.sqlite',
      table: undefined,
    },
  })
})

test('settings that are missing or empty in the environment are read from the secret', async () => {
  const secret = { ...pair, NCLOUD_REGION: 'JPN', NCLOUD_SITE: 'gov' }
  const environment = { NCLOUD_REGION: 'SGN', NCLOUD_SITE: '' }
  expect(await parseSettings(environment, { secret })).toMatchObject({
    value: { site: 'gov', regionCode: 'SGN', credentials: { accessKey: 'access' } },
  })
})

test('a platform can require settings', async () => {
  const required = ['RELAY_TABLE' as const]
  const missing = { path: 'RELAY_TABLE', message: 'is required' }
  expect(await parseSettings(pair, { required })).toEqual({ errors: [missing] })
  expect(await parseSettings({ ...pair, RELAY_TABLE: '' }, { required })).toEqual({
    errors: [missing],
  })
  expect(await parseSettings({}, { required })).toMatchObject({ errors: [{}, {}, missing] })
  const named = await parseSettings({ ...pair, RELAY_TABLE: 'operations' }, { required })
  expect(named).toMatchObject({ value: { table: 'operations' } })
})

test.each([pair, { NCLOUD_ACCESS_KEY: 'access' }, { NCLOUD_SECRET_KEY: 'secret' }])(
  'a secret together with %j is refused',
  async (given) => {
    const environment = { ...given, NCLOUD_SECRET_ID: 'relay' }
    expect(await parseSettings(environment, { secret: pair })).toEqual({
      errors: [{ path: 'NCLOUD_SECRET_ID', message: 'must not be set together with a key pair' }],
    })
  },
)

test('a secret is refused on a platform that does not read secrets', async () => {
  expect(await errorsOf({ NCLOUD_SECRET_ID: 'relay' })).toEqual([
    { path: 'NCLOUD_ACCESS_KEY', message: 'is required' },
    { path: 'NCLOUD_SECRET_KEY', message: 'is required' },
    { path: 'NCLOUD_SECRET_ID', message: 'works on AWS Lambda only' },
  ])
})

test.each([
  ['public', 'https://ncloud.apigw.ntruss.com', 'KR', 'https://console.ncloud.com/'],
  ['gov', 'https://ncloud.apigw.gov-ntruss.com', 'KR', 'https://console.gov-ncloud.com/'],
  ['fin', 'https://fin-ncloud.apigw.fin-ntruss.com', 'FKR', 'https://console.fin-ncloud.com/'],
])(
  'the site %s has its own origin, default region and console',
  async (NCLOUD_SITE, ...expected) => {
    const [origin, regionCode, console] = expected
    expect(await parseSettings({ ...pair, NCLOUD_SITE })).toMatchObject({
      value: { origin, regionCode, console },
    })
  },
)

test('keys are JSON or, in Worker vars, objects', async () => {
  const keys = [
    { id: 'ci', sha256, scopes: ['images:read'], expiresAt: '2027-01-01T00:00:00+09:00' },
  ]
  const parsed = { ...keys[0], expiresAt: Date.UTC(2026, 11, 31, 15) }
  for (const RELAY_KEYS of [keys, JSON.stringify(keys)]) {
    expect(await parseSettings({ ...pair, RELAY_KEYS })).toMatchObject({
      value: { keys: [parsed] },
    })
  }
})

test('a job may notify only targets of RELAY_NOTIFY', async () => {
  const RELAY_JOBS = JSON.stringify([{ ...job, notify: ['ops', 'others'] }])
  const target = { format: 'slack', url: 'https://hooks.example/' }
  const fault = {
    path: 'RELAY_JOBS',
    message: 'names targets that RELAY_NOTIFY does not have: 0.notify.1',
  }
  const RELAY_NOTIFY = { ops: target, others: target }
  expect(await parseSettings({ ...pair, RELAY_JOBS, RELAY_NOTIFY })).toMatchObject({
    value: { jobs: [{ name: 'nightly' }], targets: { ops: target } },
  })
  expect(await errorsOf({ ...pair, RELAY_JOBS, RELAY_NOTIFY: { ops: target } })).toEqual([fault])
  const wrongPort = { ...pair, RELAY_JOBS, RELAY_NOTIFY: { ops: target }, PORT: 'x' }
  expect(await errorsOf(wrongPort)).toContainEqual(fault)
})

test('the operator’s own origin is used unchanged', async () => {
  for (const origin of ['https://gateway.example', 'http://127.0.0.1:8788', 'http://[::1]:1']) {
    expect(await parseSettings({ ...pair, NCLOUD_API_GW: origin })).toMatchObject({
      value: { origin },
    })
  }
})

describe('missing and wrong settings', () => {
  test('are all named at once and never quoted', async () => {
    const errors = await errorsOf({
      NCLOUD_ACCESS_KEY: '',
      NCLOUD_SECRET_KEY: 'SUBMITTED two words',
      NCLOUD_SITE: 'SUBMITTED',
      NCLOUD_API_GW: 'http://SUBMITTED.example',
      NCLOUD_REGION: 'submitted',
      RELAY_KEYS: '{SUBMITTED',
      RELAY_JOBS: [{ ...job, cron: 'SUBMITTED' }],
      RELAY_NOTIFY: { ops: { format: 'SUBMITTED', url: 'SUBMITTED' } },
      RELAY_LANGUAGE: 'SUBMITTED',
      PORT: 'SUBMITTED',
    })
    expect(errors.map(({ path }) => path)).toEqual([
      'NCLOUD_ACCESS_KEY',
      'NCLOUD_SECRET_KEY',
      'NCLOUD_SITE',
      'NCLOUD_API_GW',
      'NCLOUD_REGION',
      'RELAY_KEYS',
      'RELAY_JOBS.0.cron',
      'RELAY_NOTIFY.ops.format',
      'RELAY_LANGUAGE',
      'PORT',
    ])
    expect(JSON.stringify(errors)).not.toMatch(/submitted/i)
  })

  type Fault = [name: string, value: unknown, path: string]
  test.each<Fault>([
    ['NCLOUD_API_GW', 'https://gateway.example/path', 'NCLOUD_API_GW'],
    ['NCLOUD_API_GW', 'https://user@gateway.example', 'NCLOUD_API_GW'],
    ['NCLOUD_API_GW', 'https://gateway.example?x=1', 'NCLOUD_API_GW'],
    ['NCLOUD_API_GW', 'ftp://gateway.example', 'NCLOUD_API_GW'],
    ['NCLOUD_API_GW', 'http://127.0.0.1.evil.example', 'NCLOUD_API_GW'],
    ['NCLOUD_API_GW', 'gateway.example', 'NCLOUD_API_GW'],
    ['NCLOUD_REGION', 'K', 'NCLOUD_REGION'],
    ['NCLOUD_SECRET_KEY', 'with\nline', 'NCLOUD_SECRET_KEY'],
    ['PORT', '65536', 'PORT'],
    ['PORT', '1.5', 'PORT'],
    ['RELAY_TABLE', 'two words', 'RELAY_TABLE'],
    ['RELAY_KEYS', '{}', 'RELAY_KEYS'],
    ['RELAY_KEYS', [{ id: 'a', sha256: 'A'.repeat(64), scopes: [] }], 'RELAY_KEYS.0.sha256'],
    ['RELAY_KEYS', [{ id: 'a b', sha256, scopes: [] }], 'RELAY_KEYS.0.id'],
    ['RELAY_KEYS', [{ id: 'a', sha256, scopes: ['images:write'] }], 'RELAY_KEYS.0.scopes.0'],
    ['RELAY_KEYS', [{ id: 'a', sha256 }], 'RELAY_KEYS.0.scopes'],
    ['RELAY_KEYS', [{ id: 'a', sha256, scopes: [], more: 1 }], 'RELAY_KEYS.0'],
    ['RELAY_KEYS', [{ id: 'a', sha256, scopes: [], expiresAt: 'soon' }], 'RELAY_KEYS.0.expiresAt'],
    // Not RFC 3339, though ISO 8601 or `Date.parse` may accept it. A key must not stay valid because of that.
    ...[
      '2020-01-01T00:00:00+09',
      '2020-01-01 00:00:00+09:00',
      '2020-01-01T00:00:00+0900',
      '2020-01-01T00:00:00',
      '2020-13-01T00:00:00Z',
      '2020-02-30T00:00:00Z',
      '2021-02-29T00:00:00Z',
      '2020-01-01T24:00:00Z',
    ].map((expiresAt): Fault => {
      return ['RELAY_KEYS', [{ id: 'a', sha256, scopes: [], expiresAt }], 'RELAY_KEYS.0.expiresAt']
    }),
    ['RELAY_KEYS', [{ id: 'a', sha256, scopes: [], namePrefix: 'Web' }], 'RELAY_KEYS.0.namePrefix'],
    [
      'RELAY_KEYS',
      [{ id: 'a', sha256, scopes: [], dailyCreations: 1.5 }],
      'RELAY_KEYS.0.dailyCreations',
    ],
    [
      'RELAY_KEYS',
      [
        { id: 'a', sha256, scopes: [] },
        { id: 'b', sha256, scopes: [] },
      ],
      'RELAY_KEYS',
    ],
  ])('are named for %s = %j', async (name, value, path) => {
    expect((await errorsOf({ ...pair, [name]: value })).map((error) => error.path)).toEqual([path])
  })
})

test('settings that the relay does not know are ignored', async () => {
  expect(await errorsOf({ ...pair, PATH: '/bin', OPERATIONS: {} })).toEqual([])
})

test('the address to listen on does not depend on other settings', async () => {
  const portOf = (PORT: string) => listenAddress({ PORT }).port
  expect([portOf('3000'), portOf(''), portOf('x')]).toEqual([3000, 8787, 8787])
  expect(listenAddress({ HOST: '127.0.0.1' })).toEqual({ host: '127.0.0.1', port: 8787 })
  expect(listenAddress({ HOST: '' }).host).toBeUndefined()
})

describe('the settings of chats', () => {
  test('are lists of secrets, and creators by chat', async () => {
    const environment = {
      ...pair,
      SLACK_SIGNING_SECRET: 'one, two',
      MATTERMOST_TOKEN: 'three',
      MATTERMOST_URL: 'https://chat.example.com/',
      CHAT_CREATORS: '{"slack":["T1:U1"]}',
      CHAT_DAILY_CREATIONS: '3',
    }
    expect(await parseSettings(environment)).toMatchObject({
      value: {
        chats: {
          slack: { signingSecrets: ['one', 'two'] },
          mattermost: { tokens: ['three'], origin: 'https://chat.example.com' },
        },
        creators: { slack: ['T1:U1'], mattermost: [], works: [] },
        dailyCreations: 3,
      },
    })
  })

  test.each([
    ['SLACK_SIGNING_SECRET', 'one,,two', 'SLACK_SIGNING_SECRET.1'],
    ['SLACK_SIGNING_SECRET', 'a b', 'SLACK_SIGNING_SECRET.0'],
    ['MATTERMOST_URL', 'https://chat.example.com/team', 'MATTERMOST_URL'],
    ['MATTERMOST_URL', 'http://chat.example.com', 'MATTERMOST_URL'],
    ['WORKS_BOT_ID', 'bot', 'WORKS_BOT_ID'],
    [
      'WORKS_PRIVATE_KEY',
      '-----BEGIN RSA PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----',
      'WORKS_PRIVATE_KEY',
    ],
    ['CHAT_CREATORS', '{"slack":["U1"]}', 'CHAT_CREATORS.slack.0'],
    ['CHAT_CREATORS', '{"teams":[]}', 'CHAT_CREATORS'],
    ['CHAT_CREATORS', '[', 'CHAT_CREATORS'],
    ['CHAT_DAILY_CREATIONS', ' ', 'CHAT_DAILY_CREATIONS'],
    ['CHAT_DAILY_CREATIONS', 'many', 'CHAT_DAILY_CREATIONS'],
    ['CHAT_DAILY_CREATIONS', '-1', 'CHAT_DAILY_CREATIONS'],
    ['CHAT_DAILY_CREATIONS', '0x10', 'CHAT_DAILY_CREATIONS'],
  ])('%s may not be %j', async (name, value, path) => {
    expect((await errorsOf({ ...pair, [name]: value })).map((error) => error.path)).toEqual([path])
  })

  test.each([true, null, [], {}])(
    'CHAT_DAILY_CREATIONS may not be %j, which a Worker could set',
    async (value) => {
      expect(await errorsOf({ ...pair, CHAT_DAILY_CREATIONS: value })).toHaveLength(1)
    },
  )

  const RSA = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2_048,
    publicExponent: Uint8Array.of(1, 0, 1),
  }
  const EC = { name: 'ECDSA', namedCurve: 'P-256' }
  /** Generates a key pair; the private key is in PEM. */
  async function keyOf(kind: typeof RSA | typeof EC) {
    const { privateKey, publicKey } = await crypto.subtle.generateKey(kind, true, [
      'sign',
      'verify',
    ])
    const der = new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateKey))
    const lines = btoa(String.fromCharCode(...der)).match(/.{1,64}/g) ?? []
    const pem = ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----'].join('\n')
    return { pem, publicKey }
  }

  test('a private key must be an RSA key', async () => {
    const [WORKS_PRIVATE_KEY, path] = [(await keyOf(EC)).pem, 'WORKS_PRIVATE_KEY']
    const message = 'must be an RSA private key in PEM (PKCS#8)'
    expect(await errorsOf({ ...pair, WORKS_PRIVATE_KEY })).toEqual([{ path, message }])
  })

  test('a private key may be written in one line', async () => {
    const { pem: key, publicKey } = await keyOf(RSA)
    const given = { ...pair, WORKS_PRIVATE_KEY: `${key.replaceAll('\n', '\\n')}\\n` }
    const works = {
      WORKS_BOT_ID: '1',
      WORKS_BOT_SECRET: 's',
      WORKS_CLIENT_ID: 'c',
      WORKS_CLIENT_SECRET: 'd',
      WORKS_SERVICE_ACCOUNT: 'a@b',
    }
    const parsed = await parseSettings({ ...given, ...works })
    const imported = 'value' in parsed ? parsed.value.chats.works?.privateKey : undefined
    if (!imported) throw new Error('The key was not imported')
    const text = new TextEncoder().encode('signed')
    const signature = await crypto.subtle.sign(RSA.name, imported, text)
    // Verified with the public key, which did not pass through the settings.
    expect(await crypto.subtle.verify(RSA.name, publicKey, signature, text)).toBe(true)
  })
})

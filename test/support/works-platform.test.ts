import { generateKeyPairSync, sign } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openWorksPlatform, worksCallback } from './works-platform.ts'

const NOW = Date.parse('2026-08-20T01:02:03Z')
const SECONDS = NOW / 1_000

let clock = NOW
let works: Awaited<ReturnType<typeof openWorksPlatform>>

beforeEach(async () => {
  clock = NOW
  works = await openWorksPlatform({ now: () => clock })
})
afterEach(() => works.close())

const stranger = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey

/** The parts of a token request. Each test changes one of them. */
interface Parts {
  claims?: object
  header?: object
  form?: Record<string, string>
  type?: string
  key?: typeof stranger
}

async function askForToken({ claims, header, form, type, key }: Parts = {}) {
  const { settings } = works
  const text = [
    { alg: 'RS256', typ: 'JWT', ...header },
    {
      iss: settings.WORKS_CLIENT_ID,
      sub: settings.WORKS_SERVICE_ACCOUNT,
      iat: SECONDS,
      exp: SECONDS + 3_600,
      ...claims,
    },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = sign('sha256', Buffer.from(text), key ?? settings.WORKS_PRIVATE_KEY)
  const response = await fetch(`${works.url}/oauth2/v2.0/token`, {
    method: 'POST',
    headers: { 'content-type': type ?? 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      assertion: `${text}.${signature.toString('base64url')}`,
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      client_id: settings.WORKS_CLIENT_ID,
      client_secret: settings.WORKS_CLIENT_SECRET,
      scope: 'bot.message',
      ...form,
    }).toString(),
  })
  return { status: response.status, body: await response.json() }
}

async function newToken(): Promise<string> {
  const { body } = await askForToken()
  return body.access_token
}

/** Sends a message. It is well-formed by default. */
function send(
  token: string,
  content: unknown,
  path = 'bots/2000001/users/me%40example.com/messages',
  signal?: AbortSignal,
) {
  return fetch(`${works.url}/v1.0/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ content }),
    ...(signal && { signal }),
  })
}

const hello = { type: 'text', text: '안녕하세요' }
const button = { type: 'message', label: 'Create', text: 'Create', postback: 'create 1' }
const template = (...actions: object[]) => ({
  type: 'button_template',
  contentText: 'Create it?',
  actions,
})

test('a correct conversation has no faults', async () => {
  const { status, body } = await askForToken()
  expect(status).toBe(200)
  expect(body).toEqual({
    access_token: expect.stringContaining('CANARY'),
    refresh_token: expect.stringContaining('CANARY'),
    token_type: 'Bearer',
    expires_in: '86400',
    scope: 'bot.message',
  })
  const i18nTexts = [{ language: 'ko_KR', text: '만들기' }]
  const i18nLabels = [{ language: 'ja_JP', label: '作成' }]
  const copy = { type: 'copy', label: 'Copy', copyText: '1' }
  const uri = { type: 'uri', label: 'Open', uri: 'https://console.ncloud.com/' }
  const postback = { type: 'postback', label: 'Yes', data: 'yes', displayText: 'Yes' }
  const contents = [
    { ...hello, i18nTexts },
    {
      ...template({ ...button, i18nTexts, i18nLabels }, copy, uri),
      i18nContentTexts: [{ language: 'en_US', contentText: 'Create it?' }],
    },
    { ...hello, text: 'a'.repeat(2_000), quickReply: { items: [{ action: postback }] } },
  ]
  for (const content of contents) {
    const { status, headers } = await send(body.access_token, content)
    expect({ status, remaining: headers.get('ratelimit-remaining') }).toEqual({
      status: 201,
      remaining: '239',
    })
  }
  await send(body.access_token, hello, 'bots/2000001/channels/12345/messages')
  expect(works.messages).toEqual([
    ...contents.map((content) => ({ to: 'users/me@example.com', content })),
    { to: 'channels/12345', content: hello },
  ])
  expect(works.tokens()).toBe(1)
  expect(works.faults).toEqual([])
})

describe('refuses a token request', () => {
  test.each<[string, Parts, number, string, string]>([
    ['with the key of a stranger', { key: stranger }, 400, 'invalid_grant', 'signature'],
    ['with another algorithm', { header: { alg: 'RS512' } }, 400, 'invalid_grant', 'alg'],
    ['with another issuer', { claims: { iss: 'other' } }, 400, 'invalid_grant', 'iss'],
    ['with another subject', { claims: { sub: 'other' } }, 400, 'invalid_grant', 'sub'],
    [
      'that has expired',
      { claims: { iat: SECONDS - 60, exp: SECONDS - 1 } },
      400,
      'invalid_grant',
      'exp',
    ],
    [
      'that was issued in the future',
      { claims: { iat: SECONDS + 1 } },
      400,
      'invalid_grant',
      'iat',
    ],
    ['without a time of issue', { claims: { iat: undefined } }, 400, 'invalid_grant', 'iat'],
    ['without an expiry', { claims: { exp: undefined } }, 400, 'invalid_grant', 'exp'],
    ['with a text as expiry', { claims: { exp: '2099' } }, 400, 'invalid_grant', 'exp'],
    [
      'that is valid for over an hour',
      { claims: { exp: SECONDS + 3_601 } },
      400,
      'invalid_grant',
      'an hour',
    ],
    ['without a scope', { form: { scope: '' } }, 400, 'invalid_scope', 'scope'],
    ['with another scope', { form: { scope: 'bot.read user' } }, 400, 'invalid_scope', 'scope'],
    [
      'with another grant',
      { form: { grant_type: 'password' } },
      400,
      'unsupported_grant_type',
      'grant',
    ],
    ['with another client', { form: { client_secret: '' } }, 401, 'invalid_client', 'client'],
    ['with an extra field', { form: { domain: '1' } }, 400, 'invalid_request', 'exactly'],
    ['in JSON', { type: 'application/json' }, 400, 'invalid_request', 'content-type'],
  ])('%s', async (_, parts, status, error, fault) => {
    expect(await askForToken(parts)).toMatchObject({ status, body: { error } })
    expect(works.faults).toEqual([expect.stringContaining(fault)])
    expect(works.tokens()).toBe(0)
  })
})

describe('refuses a message', () => {
  test.each([
    ['without text', { ...hello, text: '' }, 'content.text'],
    ['with a text that is too long', { ...hello, text: 'a'.repeat(2_001) }, 'content.text'],
    ['with a mention', { ...hello, text: 'Hi, <m userId="all">' }, 'A mention'],
    ['with an unknown key', { ...hello, markdown: true }, 'content.markdown'],
    ['of an unknown type', { ...hello, type: 'shout' }, 'content.type'],
    [
      'in an unknown language',
      { ...hello, i18nTexts: [{ language: 'ko', text: 'a' }] },
      'language',
    ],
    ['without buttons', template(), 'content.actions'],
    ['with eleven buttons', template(...Array(11).fill(button)), 'content.actions'],
    ['with a long label', template({ ...button, label: 'a'.repeat(21) }), 'actions.0.label'],
    ['with a long postback', template({ ...button, postback: '한'.repeat(101) }), '.postback'],
    [
      'with a postback action in a template',
      template({ type: 'postback', label: 'Yes', data: 'yes', displayText: 'Yes' }),
      'actions.0.type',
    ],
    [
      'with a long translated label',
      template({ ...button, i18nLabels: [{ language: 'en_US', label: 'a'.repeat(21) }] }),
      'i18nLabels.0.label',
    ],
    [
      'with a mention in a template',
      { ...template(button), contentText: '<m userId="a@example.com"> create it?' },
      'content.contentText: A mention',
    ],
  ])('%s', async (_, content, fault) => {
    const response = await send(await newToken(), content)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'INVALID_PARAMETER' })
    expect(works.faults).toEqual([expect.stringContaining(fault)])
    expect(works.messages).toEqual([])
  })

  test.each([
    ['with a made-up token', 'CANARY', undefined, 401, 'UNAUTHORIZED'],
    ['by another bot', '', 'bots/1/users/a/messages', 404, 'NOT_FOUND'],
    ['to another address', '', 'bots/2000001/rooms/a/messages', 404, 'NOT_FOUND'],
    [
      'to a recipient with an incomplete escape',
      '',
      'bots/2000001/users/%E0/messages',
      400,
      'BAD_REQUEST',
    ],
  ])('%s', async (_, token, path, status, code) => {
    const response = await send(token || (await newToken()), hello, path)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ code })
    expect(works.faults).toHaveLength(1)
    expect(works.messages).toEqual([])
  })
})

test('failures of the platform are not faults', async () => {
  const token = await newToken()
  works.throttle(1, 7)
  works.fail(1, 503)
  works.hang(1)
  const throttled = await send(token, hello)
  expect(throttled.status).toBe(429)
  expect(throttled.headers.get('RateLimit-Limit')).toBe('240')
  expect(throttled.headers.get('RateLimit-Remaining')).toBe('0')
  expect(throttled.headers.get('RateLimit-Reset')).toBe('7')
  expect(await throttled.json()).toMatchObject({ code: 'TOO_MANY_REQUESTS' })
  expect((await send(token, hello)).status).toBe(503)
  const patience = AbortSignal.timeout(1_000)
  await expect(send(token, hello, undefined, patience)).rejects.toThrow('timeout')
  expect(works.messages).toEqual([])
  expect((await send(token, hello)).status).toBe(201)

  works.expireTokens()
  expect((await send(token, hello)).status).toBe(401)
  works.refuseTokens(1)
  expect((await askForToken()).status).toBe(500)
  const another = await newToken()
  expect((await send(another, hello)).status).toBe(201)
  clock += 86_400_000
  expect((await send(another, hello)).status).toBe(401)
  expect(works.tokens()).toBe(2)
  expect(works.messages).toHaveLength(2)
  expect(works.faults).toEqual([])
})

test.each([
  [
    { text: '이미지 상태', channelId: '12345a12-b12c-12d3-e123fghijkl' },
    '{"type":"message","source":{"userId":"c72af563-0f21-4736-11e4-045237113344","channelId":"12345a12-b12c-12d3-e123fghijkl","domainId":40029600},"issuedTime":"2022-01-04T05:16:05.716Z","content":{"type":"text","text":"이미지 상태"}}',
    'y6uGadmRRk72jA8+bh0RVeuIWu7bMxu9JmrrGFlGyBE=',
  ],
  [
    { data: 'action=buy', channelId: '12345' },
    '{"type":"postback","source":{"userId":"c72af563-0f21-4736-11e4-045237113344","channelId":"12345","domainId":40029600},"issuedTime":"2022-01-04T05:16:05.716Z","data":"action=buy"}',
    'Tn80JzZoTniCdbWOFH4HLtTjccYxVZH4Vqj3EtIodDs=',
  ],
])('signs a callback with the known signature: %o', (event, body, signature) => {
  const keys = { WORKS_BOT_ID: '123', WORKS_BOT_SECRET: 'bot-secret-example' }
  expect(worksCallback(keys, event, { at: Date.parse('2022-01-04T05:16:05.716Z') })).toEqual({
    body,
    headers: {
      'content-type': 'application/json; charset=UTF-8',
      'x-works-botid': '123',
      'x-works-signature': signature,
    },
  })
})

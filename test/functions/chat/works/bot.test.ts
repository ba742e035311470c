import { createPrivateKey } from 'node:crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Content, openBot } from '../../../../functions/chat/works/bot.ts'
import { httpTransport } from '../../../../functions/platform/node/http-transport.ts'
import type { Transport } from '../../../../shared/transport.ts'
import { redirected, worksOrigins } from '../../../support/chats.ts'
import { type IdleClock, idleClock } from '../../../support/idle-clock.ts'
import { openWorksPlatform } from '../../../support/works-platform.ts'

const SECOND = 1_000
const DAY = 86_400 * SECOND
const RS256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
const content: Content = { type: 'text', text: 'hello', i18nTexts: [] }

let time: IdleClock
let works: Awaited<ReturnType<typeof openWorksPlatform>>

beforeEach(async () => {
  time = idleClock()
  works = await openWorksPlatform({ now: time.now })
})

afterEach(async () => {
  vi.restoreAllMocks()
  expect(works.faults).toEqual([])
  await works.close()
})

type Around = (transport: Transport) => Transport

/** Opens a bot, and returns a function by which it says something. */
async function sender(around: Around) {
  const { settings, url } = works
  const pem = createPrivateKey(settings.WORKS_PRIVATE_KEY)
  const der = Uint8Array.from(pem.export({ type: 'pkcs8', format: 'der' }))
  const account = {
    botId: settings.WORKS_BOT_ID,
    clientId: settings.WORKS_CLIENT_ID,
    clientSecret: settings.WORKS_CLIENT_SECRET,
    serviceAccount: settings.WORKS_SERVICE_ACCOUNT,
    privateKey: await crypto.subtle.importKey('pkcs8', der, RS256, false, ['sign']),
  }
  const transport = redirected(time.counting(httpTransport()), worksOrigins(url))
  const send = openBot(account, around(transport), time)
  return () => send('users/u1', content)
}

/** The same, where time passes until it is said. */
async function bot(around: Around = (transport) => transport) {
  const send = await sender(around)
  return () => time.until(send())
}

test('a token that is refused to many at once is replaced once', async () => {
  const say = await bot()
  await say()
  works.expireTokens()
  const sent = await Promise.all(Array.from({ length: 8 }, say))
  expect(sent.map(({ status }) => status)).toEqual(Array(8).fill(201))
  expect(works.tokens()).toBe(2)
})

test('a token that was not to be had is asked for anew at once', async () => {
  const say = await bot()
  works.refuseTokens(1)
  await expect(say()).rejects.toMatchObject({ code: 'token-500' })
  expect(await say()).toMatchObject({ status: 201 })
})

test('a token is not used in its last minute', async () => {
  const say = await bot()
  await say()
  time.advance(DAY - 61 * SECOND)
  await say()
  expect(works.tokens()).toBe(1)
  time.advance(2 * SECOND)
  await say()
  expect(works.tokens()).toBe(2)
})

test.each<[string, object, number]>([
  ['without a lifetime', { expires_in: undefined }, 3_600],
  ['with a lifetime that is no number', { expires_in: 'soon' }, 3_600],
  ['with a lifetime of its own', { expires_in: 600 }, 600],
])('a token %s is renewed a minute before its end', async (_, changes, seconds) => {
  const say = await bot((transport) => async (request, timeoutMs) => {
    const answer = await transport(request, timeoutMs)
    if (!request.url.pathname.startsWith('/oauth2/')) return answer
    const token = JSON.parse(new TextDecoder().decode(answer.body))
    const body = new TextEncoder().encode(JSON.stringify({ ...token, ...changes }))
    return { ...answer, body }
  })
  await say()
  time.advance(seconds * SECOND - 61 * SECOND)
  await say()
  expect(works.tokens()).toBe(1)
  time.advance(2 * SECOND)
  await say()
  expect(works.tokens()).toBe(2)
})

test('an answer without a token is a failure with a reason', async () => {
  const say = await bot((transport) => async (request, timeoutMs) => {
    const answer = await transport(request, timeoutMs)
    const isToken = request.url.pathname.startsWith('/oauth2/')
    return isToken ? { ...answer, body: new TextEncoder().encode('{"expires_in":"1"}') } : answer
  })
  await expect(say()).rejects.toMatchObject({ code: 'token-unreadable' })
})

test('a token that never comes is given up', async () => {
  let isHanging = true
  const hung = Promise.withResolvers<void>()
  const send = await sender((transport) => (request, timeoutMs) => {
    const isToken = request.url.pathname.startsWith('/oauth2/')
    if (!isToken || !isHanging) return transport(request, timeoutMs)
    hung.resolve()
    return new Promise(() => {})
  })
  const first = send().catch(({ code }) => code)
  await hung.promise
  isHanging = false
  time.advance(3 * SECOND)
  // It waits for the same token.
  const second = send().catch(({ code }) => code)
  time.advance(2 * SECOND)
  expect(await time.until(send())).toMatchObject({ status: 201 })
  expect(await time.until(first)).toBe('token-late')
  expect(await time.until(second)).toBe('token-late')
  expect(works.tokens()).toBe(1)
})

test('a token that another request waits for in vain holds nobody up for ever', async () => {
  const say = await bot((transport) => (request, timeoutMs) => {
    const isToken = request.url.pathname.startsWith('/oauth2/')
    return isToken ? new Promise(() => {}) : transport(request, timeoutMs)
  })
  await expect(say()).rejects.toMatchObject({ code: 'token-late' })
})

test.each([
  [401, '{}'],
  [403, '{"code":"UNAUTHORIZED","description":"Authentication failed"}'],
])('an answer of %i and %s renews the token, once', async (status, body) => {
  let refusals = 2
  const say = await bot((transport) => async (request, timeoutMs) => {
    const isMessage = request.url.pathname.startsWith('/v1.0/')
    if (!isMessage || refusals-- <= 0) return transport(request, timeoutMs)
    return { status, headers: new Headers(), body: new TextEncoder().encode(body) }
  })
  expect(await say()).toMatchObject({ status })
  expect(works.tokens()).toBe(2)
  expect(await say()).toMatchObject({ status: 201 })
})

test('nothing is said once the calls of a minute are used up, until it is over', async () => {
  let calls = 0
  const say = await bot((transport) => async (request, timeoutMs) => {
    if (request.url.pathname.startsWith('/v1.0/')) calls++
    const answer = await transport(request, timeoutMs)
    const headers = new Headers({ 'ratelimit-remaining': '0', 'ratelimit-reset': '20' })
    return { ...answer, headers }
  })
  expect(await say()).toMatchObject({ status: 201, waitSeconds: 0 })
  time.advance(5 * SECOND)
  expect(await say()).toEqual({ status: 429, waitSeconds: 15 })
  expect(calls).toBe(1)
  time.advance(15 * SECOND)
  expect(await say()).toMatchObject({ status: 201 })
})

test.each([
  ['7', 7],
  ['0', 1],
  ['999999', 3_600],
  ['soon', 60],
  [null, 60],
])('a reset of %j is a pause of %i s', async (reset, waitSeconds) => {
  const say = await bot((transport) => async (request, timeoutMs) => {
    if (request.url.pathname.startsWith('/oauth2/')) return transport(request, timeoutMs)
    const headers = new Headers(reset === null ? {} : { 'ratelimit-reset': reset })
    return { status: 429, headers, body: new Uint8Array() }
  })
  expect(await say()).toMatchObject({ status: 429, waitSeconds })
})

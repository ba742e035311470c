import { createPrivateKey } from 'node:crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Content, openBot } from '../../../../functions/chat/works/bot.ts'
import { httpTransport } from '../../../../functions/platform/node/http-transport.ts'
import type { Transport } from '../../../../shared/web/transport.ts'
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

/** Opens a bot and returns a function that sends a message. */
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

/** Opens a bot and returns a function that sends a message while the clock advances. */
async function bot(around: Around = (transport) => transport) {
  const send = await sender(around)
  return () => time.until(send())
}

test('replaces a token once when several concurrent messages are refused', async () => {
  const send = await bot()
  await send()
  works.expireTokens()
  const sent = await Promise.all(Array.from({ length: 8 }, send))
  expect(sent.map(({ status }) => status)).toEqual(Array(8).fill(201))
  expect(works.tokens()).toBe(2)
})

test('requests a token again for the next message after a failed request', async () => {
  const send = await bot()
  works.refuseTokens(1)
  await expect(send()).rejects.toMatchObject({ code: 'token-500' })
  expect(await send()).toMatchObject({ status: 201 })
})

test('does not use a token in its last minute', async () => {
  const send = await bot()
  await send()
  time.advance(DAY - 61 * SECOND)
  await send()
  expect(works.tokens()).toBe(1)
  time.advance(2 * SECOND)
  await send()
  expect(works.tokens()).toBe(2)
})

test.each<[string, object, number]>([
  ['without a lifetime', { expires_in: undefined }, 3_600],
  ['with a lifetime that is not a number', { expires_in: 'soon' }, 3_600],
  ['with a lifetime of 600 s', { expires_in: 600 }, 600],
])('renews a token %s one minute before it expires', async (_, changes, seconds) => {
  const send = await bot((transport) => async (request, timeoutMs) => {
    const answer = await transport(request, timeoutMs)
    if (!request.url.pathname.startsWith('/oauth2/')) return answer
    const token = JSON.parse(new TextDecoder().decode(answer.body))
    const body = new TextEncoder().encode(JSON.stringify({ ...token, ...changes }))
    return { ...answer, body }
  })
  await send()
  time.advance(seconds * SECOND - 61 * SECOND)
  await send()
  expect(works.tokens()).toBe(1)
  time.advance(2 * SECOND)
  await send()
  expect(works.tokens()).toBe(2)
})

test('fails with a reason when the reply has no token', async () => {
  const send = await bot((transport) => async (request, timeoutMs) => {
    const answer = await transport(request, timeoutMs)
    const isToken = request.url.pathname.startsWith('/oauth2/')
    return isToken ? { ...answer, body: new TextEncoder().encode('{"expires_in":"1"}') } : answer
  })
  await expect(send()).rejects.toMatchObject({ code: 'token-unreadable' })
})

test('gives up a token request without a reply, and sends the next message with a new token', async () => {
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
  // The second message waits for the same token request.
  const second = send().catch(({ code }) => code)
  time.advance(2 * SECOND)
  expect(await time.until(send())).toMatchObject({ status: 201 })
  expect(await time.until(first)).toBe('token-late')
  expect(await time.until(second)).toBe('token-late')
  expect(works.tokens()).toBe(1)
})

test('fails with token-late when no token request ends', async () => {
  const send = await bot((transport) => (request, timeoutMs) => {
    const isToken = request.url.pathname.startsWith('/oauth2/')
    return isToken ? new Promise(() => {}) : transport(request, timeoutMs)
  })
  await expect(send()).rejects.toMatchObject({ code: 'token-late' })
})

test.each([
  [401, '{}'],
  [403, '{"code":"UNAUTHORIZED","description":"Authentication failed"}'],
])('renews the token once after a reply of %i and %s', async (status, body) => {
  let refusals = 2
  const send = await bot((transport) => async (request, timeoutMs) => {
    const isMessage = request.url.pathname.startsWith('/v1.0/')
    if (!isMessage || refusals-- <= 0) return transport(request, timeoutMs)
    return { status, headers: new Headers(), body: new TextEncoder().encode(body) }
  })
  expect(await send()).toMatchObject({ status })
  expect(works.tokens()).toBe(2)
  expect(await send()).toMatchObject({ status: 201 })
})

test('sends nothing from the end of the rate limit until its reset', async () => {
  let calls = 0
  const send = await bot((transport) => async (request, timeoutMs) => {
    if (request.url.pathname.startsWith('/v1.0/')) calls++
    const answer = await transport(request, timeoutMs)
    const headers = new Headers({ 'ratelimit-remaining': '0', 'ratelimit-reset': '20' })
    return { ...answer, headers }
  })
  expect(await send()).toMatchObject({ status: 201, waitSeconds: 0 })
  time.advance(5 * SECOND)
  expect(await send()).toEqual({ status: 429, waitSeconds: 15 })
  expect(calls).toBe(1)
  time.advance(15 * SECOND)
  expect(await send()).toMatchObject({ status: 201 })
})

test.each([
  ['7', 7],
  ['0', 1],
  ['999999', 3_600],
  ['soon', 60],
  [null, 60],
])('turns a reset of %j into a pause of %i s', async (reset, waitSeconds) => {
  const send = await bot((transport) => async (request, timeoutMs) => {
    if (request.url.pathname.startsWith('/oauth2/')) return transport(request, timeoutMs)
    const headers = new Headers(reset === null ? {} : { 'ratelimit-reset': reset })
    return { status: 429, headers, body: new Uint8Array() }
  })
  expect(await send()).toMatchObject({ status: 429, waitSeconds })
})

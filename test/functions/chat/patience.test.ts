import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { httpTransport } from '../../../functions/platform/node/http-transport.ts'
import { openSqlite } from '../../../functions/platform/node/sqlite-file.ts'
import { sqliteStore } from '../../../shared/store/sqlite-store.ts'
import type { Store } from '../../../shared/store/store.ts'
import type { Transport } from '../../../shared/web/transport.ts'
import { shownBySlack } from '../../support/block-kit.ts'
import {
  type ChatRequest,
  confirmationId,
  mattermostCommand,
  openChatRelay,
  people,
  slackClick,
  slackCommand,
  worksOrigins,
} from '../../support/chats.ts'
import { scaled } from '../../support/counts.ts'
import { type IdleClock, idleClock } from '../../support/idle-clock.ts'
import { openWorksPlatform, worksCallback } from '../../support/works-platform.ts'

const REQUESTS = scaled(5_000)
const AT_ONCE = 600
const LIMIT_MS = 2_500
const GATEWAY_MS = 60_000

let time: IdleClock
let isSlow: boolean
let works: Awaited<ReturnType<typeof openWorksPlatform>>
let chat: Awaited<ReturnType<typeof openChatRelay>>

beforeEach(async () => {
  time = idleClock()
  isSlow = true
  works = await openWorksPlatform()
  chat = await open({ environment: works.settings })
})

afterEach(async () => {
  vi.restoreAllMocks()
  await chat.close()
  await works.close()
})

/** Opens a relay whose time passes only while it waits for NAVER Cloud. */
function open(options: Parameters<typeof openChatRelay>[0] = {}, gatewayMs = GATEWAY_MS) {
  const transport = slow(time.counting(httpTransport()), gatewayMs)
  return openChatRelay({ clock: time, transport, origins: worksOrigins(works.url), ...options })
}

/** Wraps a transport so that NAVER Cloud answers after `gatewayMs`. */
function slow(transport: Transport, gatewayMs: number): Transport {
  return async (request, timeoutMs) => {
    if (isSlow && request.url.pathname.startsWith('/vserver/')) {
      await time.sleep(Math.min(timeoutMs, gatewayMs))
      if (timeoutMs < gatewayMs) throw new DOMException('Too slow', 'TimeoutError')
    }
    return transport(request, timeoutMs)
  }
}

const ask = (request: ChatRequest) => time.until(chat.ask(request))
const tick = () => time.until(chat.relay.tick())

let names = 0

const button = () => ({
  action_id: 'confirm',
  value: [
    confirmationId(`slack:${people.slack.maker}`),
    (time.now() + 600_000).toString(36),
    `create web-${++names} 12344697`,
  ].join(' '),
})

/** Makes one request of each kind. */
const requests: (() => ChatRequest)[] = [
  () => slackCommand('status 12341457'),
  () => slackCommand(`create web-${++names} 12344697`),
  () => slackClick(button()),
  () => slackClick({ action_id: 'refresh', value: 'status web-golden' }),
  () => mattermostCommand('status 12341457', { address: `${chat.hooks}/hooks/commands/1` }),
  () => callback('상태 12341457'),
  () => callback('jobs'),
]

function callback(text: string): ChatRequest {
  const event = { text: `${text}${' '.repeat(++names % 100)}`, userId: people.works.maker }
  return {
    path: '/chat/works',
    method: 'POST',
    as: '',
    ...worksCallback(works.settings, event, { at: time.now() - names }),
  }
}

test(`answers ${REQUESTS} requests in time although NAVER Cloud takes a minute`, async () => {
  const took: number[] = []
  let asked = 0
  async function askOneByOne() {
    while (asked < REQUESTS) {
      const request = requests[asked++ % requests.length]?.() as ChatRequest
      const startedAt = time.now()
      const { status } = await chat.relay.request(request.path, request)
      took.push(time.now() - startedAt)
      if (status !== 200) throw new Error(`${request.path} was answered ${status}`)
    }
  }
  await time.until(Promise.all(Array.from({ length: AT_ONCE }, askOneByOne)))
  expect(took).toHaveLength(REQUESTS)
  expect(took.filter((ms) => ms >= LIMIT_MS)).toEqual([])
})

test('the tick posts a late answer once', async () => {
  const [inline, byCallback] = [slackCommand('status 12341457'), callback('상태 12341457')]
  const late = await time.until(Promise.all([inline, byCallback].map(chat.ask)))
  expect(shownBySlack(late[0]?.json)).toContain(
    'NAVER Cloud is slow. The answer will be posted here',
  )
  expect([chat.said, works.messages]).toEqual([[], []])
  isSlow = false
  await tick()
  expect(chat.said).toHaveLength(1)
  expect(chat.said[0]?.body).toMatchObject({ response_type: 'ephemeral' })
  expect(shownBySlack(chat.said[0]?.body)).toContain('test-kvm is ready')
  await tick()
  expect(chat.said).toHaveLength(1)
})

test('only the tick posts an answer that comes too late for the request to post it', async () => {
  await chat.close()
  // A platform freezes work that goes on after its reply, so a message sent then might be sent again.
  chat = await open({}, 1_600)
  await ask(slackClick({ action_id: 'refresh', value: 'status 12341457' }))
  expect(chat.said).toEqual([])
  time.advance(31_000)
  await tick()
  expect(shownBySlack(chat.said[0]?.body)).toContain('test-kvm is ready')
})

test('promises no later answer without a usable address', async () => {
  const { json } = await ask(
    mattermostCommand('status 12341457', { address: 'http://127.0.0.3:9/x' }),
  )
  expect(json.text).toContain('NAVER Cloud did not answer in time.')
})

test('drops an answer that is more than half an hour old', async () => {
  await ask(slackCommand('status 12341457'))
  isSlow = false
  time.advance(1_801_000)
  await tick()
  expect(chat.said).toEqual([])
})

describe('a store', () => {
  const store = (commit: Store['commit']) => ({
    ...sqliteStore(openSqlite(':memory:')),
    commit,
  })

  test('that is too slow makes a click fail with 500 in time', async () => {
    await chat.close()
    chat = await open({ store: store(() => new Promise(() => {})) })
    const startedAt = time.now()
    expect((await ask(slackClick(button()))).status).toBe(500)
    expect(time.now() - startedAt).toBeLessThan(LIMIT_MS)
  })

  test.each([
    ['fails', () => Promise.reject(new Error('no store'))],
    ['is too slow', () => new Promise<boolean>(() => {})],
  ])('that %s does not stop a command from being answered', async (_, replaceNotice) => {
    await chat.close()
    chat = await open({ store: store(replaceNotice) })
    const startedAt = time.now()
    const { status, json } = await ask(slackCommand('status 12341457'))
    expect(time.now() - startedAt).toBeLessThan(LIMIT_MS)
    expect(status).toBe(200)
    expect(shownBySlack(json)).toContain('NAVER Cloud did not answer in time.')
  })
})

test('reports a failure when the gateway does not answer the tick either', async () => {
  await ask(slackCommand('status 12341457'))
  await tick()
  expect(shownBySlack(chat.said[0]?.body)).toContain('NAVER Cloud did not answer in time.')
})

test('an operation confirmed while the gateway is slow is made and announced once', async () => {
  const { value, action_id } = button()
  await ask(slackClick({ value, action_id }))
  expect(shownBySlack(chat.said[0]?.body)).toContain('is requested')
  isSlow = false
  for (let i = 0; i < 3; i++) await tick()
  expect(await chat.operations()).toMatchObject([{ state: 'applied' }])
  expect(chat.said).toHaveLength(2)
  expect(shownBySlack(chat.said[1]?.body)).toContain('is ready')
})

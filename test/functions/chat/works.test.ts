import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { chatFixture, openChatRelay, people, worksOrigins } from '../../support/chats.ts'
import {
  openWorksPlatform,
  signedCallback,
  type WorksEvent,
  worksCallback,
  worksLeaksIn,
} from '../../support/works-platform.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

let ahead = 0
const { now } = Date

let works: Awaited<ReturnType<typeof openWorksPlatform>>
let chat: Awaited<ReturnType<typeof openChatRelay>>

beforeEach(async () => {
  ahead = 0
  vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead)
  works = await openWorksPlatform({ now: () => Date.now() })
  chat = await open()
})

afterEach(async () => {
  expect(works.faults).toEqual([])
  expect(worksLeaksIn(chat.relay.log.map((event) => JSON.stringify(event)).join('\n'))).toEqual([])
  await chat.close()
  await works.close()
})

function open(environment: Record<string, string> = {}) {
  return openChatRelay({
    environment: { ...works.settings, ...environment },
    origins: worksOrigins(works.url),
  })
}

const { maker: userId, other } = people.works

/** Returns the request that NAVER WORKS sends for an event. */
function callback(event: WorksEvent, at = Date.now()) {
  const { body, headers } = worksCallback(works.settings, { userId, ...event }, { at })
  return { path: '/chat/works', method: 'POST', as: '', body, headers }
}

/** Sends a message or a click to the bot and returns its replies. */
async function sendEvent(event: WorksEvent) {
  const before = works.messages.length
  const { status, text } = await chat.ask(callback(event))
  expect([status, text]).toEqual([200, ''])
  return works.messages.slice(before)
}

/** Returns the Korean text of a message. */
// biome-ignore lint/suspicious/noExplicitAny: tests read fields of any message, and fail when one is missing
function korean({ content }: any): string {
  const texts = content.i18nTexts ?? content.i18nContentTexts
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const [one] = texts.filter(({ language }: any) => language === 'ko_KR')
  return one.text ?? one.contentText
}

/** Sends a command and returns the postback of the answer's button. */
async function postbackOf(text: string): Promise<string> {
  const [message] = await sendEvent({ text })
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return (message as any).content.actions[0].postback
}

describe('a command', () => {
  test('is answered to the user in three languages', async () => {
    const [message, ...more] = await sendEvent({ text: '상태 12341457' })
    expect(more).toEqual([])
    expect(message).toMatchObject({ to: `users/${userId}`, content: { type: 'text' } })
    expect(message?.content).toMatchObject({
      text: expect.stringContaining('test-kvm is ready'),
      i18nTexts: [
        { language: 'en_US', text: expect.stringContaining('test-kvm is ready') },
        { language: 'ko_KR', text: expect.stringContaining('test-kvm 준비 완료\n') },
        { language: 'ja_JP', text: expect.stringContaining('test-kvm の準備ができました') },
      ],
    })
  })

  test('that is sent in a room is answered in the room', async () => {
    const [message] = await sendEvent({ text: '状態 12341457', channelId: 'room 1/2' })
    expect(message).toMatchObject({ to: 'channels/room 1/2' })
  })

  test('in a room is only a text that is a valid command or addresses the bot', async () => {
    const room = { channelId: 'room' }
    for (const text of [
      '확인 ok',
      'help',
      '작업',
      'run away',
      'status quo',
      'NCP 콘솔 보셨어요?',
      'ncp-server is down',
      'ncp',
    ]) {
      expect(await sendEvent({ text, ...room })).toEqual([])
    }
    for (const text of [
      'ncp help',
      'NCP 작업',
      '상태 12341457',
      'create web-golden 12344697',
      `status op_${'0'.repeat(32)}`,
      '\u200bncp jobs',
      '@bot 상태 12341457',
    ]) {
      expect(await sendEvent({ text, ...room })).toHaveLength(1)
    }
    expect(await sendEvent({ text: 'anything' })).toHaveLength(1)
  })

  test('that begins a conversation is answered with the help', async () => {
    const [start] = await sendEvent({ text: '시작하기', postback: 'start' })
    const [help] = await sendEvent({ text: 'help' })
    expect(start).toEqual(help)
  })

  test('is not read from an event of another kind', async () => {
    for (const name of ['works-join-event.json']) {
      const body = JSON.stringify({
        ...JSON.parse(chatFixture(name)),
        issuedTime: new Date(Date.now()).toISOString(),
      })
      const { headers } = signedCallback(works.settings, body)
      const sent = { path: '/chat/works', method: 'POST', as: '', body, headers }
      expect((await chat.ask(sent)).status).toBe(200)
    }
    expect(works.messages).toEqual([])
  })
})

describe('an operation', () => {
  test('is shown, confirmed by its button, sent by the tick and announced once', async () => {
    const [summary] = await sendEvent({ text: '생성 web-golden 12344697 50:CB2' })
    expect(summary).toMatchObject({
      content: {
        type: 'button_template',
        contentText: expect.stringContaining('web-golden'),
        actions: [{ type: 'message', label: 'Create' }],
      },
    })
    expect(korean(summary)).toMatch(/^web-golden 이미지를 생성할까요\?\n크기: 60 GB\n/)
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const { postback } = (summary as any).content.actions[0]
    const [started] = await sendEvent({ text: '생성', postback })
    expect(korean(started)).toContain('web-golden 생성을 요청했습니다')
    await chat.relay.tick()
    await chat.relay.tick()
    const [operation, ...more] = await chat.operations()
    expect(operation).toMatchObject({ state: 'applied', caller: `works:${userId}` })
    expect(more).toEqual([])
    expect(works.messages).toHaveLength(3)
    expect(korean(works.messages[2])).toMatch(/^web-golden 준비 완료\n이미지: \d+\n/)
  })

  test('is made once, with one answer for each click, when callbacks are repeated', async () => {
    const postback = await postbackOf('create web-golden 12344697')
    const first = callback({ text: 'Create', postback })
    const second = callback({ data: postback }, Date.now() + 1)
    await Promise.all([first, first, second, first, second].map(chat.ask))
    ahead = 4 * MINUTE
    await chat.ask(first)
    await chat.relay.tick()
    await chat.ask(second)
    expect(await chat.operations()).toHaveLength(1)
    // The summary, an answer to each click, and the announcement of the end.
    expect(works.messages).toHaveLength(4)
    expect(
      await chat.relay.store.due('notice', {
        target: 'chat:works',
        now: Number.MAX_SAFE_INTEGER,
        limit: 99,
      }),
    ).toEqual([])
  })

  test('needs permission of the person who clicks', async () => {
    const postback = await postbackOf('create web-golden 12344697')
    const [refused] = await sendEvent({ text: 'Create', postback, userId: other })
    expect(korean(refused)).toContain(`이미지를 생성할 권한이 없습니다. ${other} 계정을`)
    expect(await chat.operations()).toEqual([])
  })

  test('is refused with the reason when its command is too long for a button', async () => {
    const storages = Array.from({ length: 20 }, () => '12344698:1000:CB2').join(' ')
    const [message] = await sendEvent({ text: `create web-golden 12344697 ${storages}` })
    expect(message).toMatchObject({ content: { type: 'text' } })
    expect(korean(message)).toMatch(/^명령이 길어 NAVER WORKS 버튼에 담을 수 없습니다\./)
  })

  test('can have the longest command that fits in a button', async () => {
    // A postback has at most 300 bytes. The id takes 32, the time 8 and two spaces 2, so 258 are left.
    const storages = [...Array(11).fill('12344698:1000:CB2'), ...Array(2).fill('10:CB1')]
    const text = `create ${'a'.repeat(30)} 12344697 ${storages.join(' ')}`
    expect(text).toHaveLength(258)
    expect(Buffer.byteLength(await postbackOf(text))).toBe(300)
    const [refused] = await sendEvent({ text: text.replace('12344697', '012344697') })
    expect(refused).toMatchObject({ content: { type: 'text' } })
  })
})

describe('an access token', () => {
  test('is requested once for concurrent and for later answers', async () => {
    await Promise.all(
      Array.from({ length: 5 }, (_, i) => chat.ask(callback({ text: 'help', userId: `u${i}` }))),
    )
    await sendEvent({ text: 'help' })
    expect(works.messages).toHaveLength(6)
    expect(works.tokens()).toBe(1)
  })

  test('that has expired is replaced, before or after a refusal', async () => {
    await sendEvent({ text: 'help' })
    works.expireTokens()
    expect(await sendEvent({ text: 'jobs' })).toHaveLength(1)
    expect(works.tokens()).toBe(2)
    ahead = 24 * 60 * MINUTE
    expect(await sendEvent({ text: 'help' })).toHaveLength(1)
    expect(works.tokens()).toBe(3)
  })

  test('that cannot be obtained is requested again by the tick', async () => {
    works.refuseTokens(1)
    expect(await sendEvent({ text: 'help' })).toEqual([])
    ahead = 31 * SECOND
    await chat.relay.tick()
    expect(works.messages).toHaveLength(1)
  })
})

describe('an answer', () => {
  test('waits as long as NAVER WORKS demands, and so do later answers', async () => {
    works.throttle(1, 120)
    expect(await sendEvent({ text: 'help' })).toEqual([])
    // The relay does not call NAVER WORKS at all.
    expect(await sendEvent({ text: 'jobs' })).toEqual([])
    ahead = 100 * SECOND
    await chat.relay.tick()
    expect(works.messages).toEqual([])
    ahead = 125 * SECOND
    await chat.relay.tick()
    expect(works.messages).toHaveLength(2)
  })

  test('that could not be sent is sent once by the tick', async () => {
    works.fail(1, 503)
    expect(await sendEvent({ text: 'help' })).toEqual([])
    ahead = 31 * SECOND
    await chat.relay.tick()
    await chat.relay.tick()
    expect(works.messages).toHaveLength(1)
  })
})

describe('the sender', () => {
  test.each(['works-signed-message.json', 'works-signed-postback.json'])(
    'is verified with vector %s within 300 s of its time',
    async (name) => {
      const { secret, body, signature } = JSON.parse(chatFixture(name))
      await chat.close()
      chat = await open({ WORKS_BOT_SECRET: `other, ${secret}` })
      const issued = Date.parse('2022-01-04T05:16:05.716Z')
      const headers = {
        'x-works-botid': works.settings.WORKS_BOT_ID,
        'x-works-signature': signature,
      }
      const sent = { path: '/chat/works', method: 'POST', as: '', body, headers }
      for (const [seconds, status] of [
        [-301, 401],
        [-300, 200],
        [300, 200],
        [301, 401],
      ] as const) {
        vi.spyOn(Date, 'now').mockImplementation(() => issued + seconds * SECOND)
        expect((await chat.ask(sent)).status).toBe(status)
      }
    },
  )

  test('is refused with the id of another bot or without a signature', async () => {
    const sent = callback({ text: 'help' })
    const without = (name: string) =>
      Object.fromEntries(Object.entries(sent.headers).filter(([key]) => key !== name))
    for (const headers of [
      { ...sent.headers, 'x-works-botid': '2000002' },
      without('x-works-botid'),
      without('x-works-signature'),
    ]) {
      const { status, json } = await chat.ask({ ...sent, headers })
      expect([status, json.code]).toEqual([401, 'unauthenticated'])
    }
    expect(works.messages).toEqual([])
  })
})

test.each([
  'works-message-event.json',
  'works-message-with-postback-event.json',
  'works-postback-event.json',
])('accepts the event that NAVER WORKS publishes as %s', async (name) => {
  const event = { ...JSON.parse(chatFixture(name)), issuedTime: new Date(Date.now()).toISOString() }
  const { headers, body } = signedCallback(works.settings, JSON.stringify(event))
  const sent = { path: '/chat/works', method: 'POST', as: '', body, headers }
  expect((await chat.ask(sent)).status).toBe(200)
  // Texts in rooms are ignored unless they are commands, and so are postbacks of other buttons.
  expect(works.messages.length).toBeLessThanOrEqual(1)
})

test('the relay is not ready without the other settings of NAVER WORKS', async () => {
  const { relay } = chat
  await relay.close()
  chat = await open({ WORKS_CLIENT_ID: '', WORKS_PRIVATE_KEY: '' })
  const { status, json } = await chat.relay.request('/readyz')
  expect(status).toBe(503)
  expect(json.errors).toEqual([
    { path: 'WORKS_CLIENT_ID', message: 'is required with WORKS_BOT_SECRET' },
    { path: 'WORKS_PRIVATE_KEY', message: 'is required with WORKS_BOT_SECRET' },
  ])
})

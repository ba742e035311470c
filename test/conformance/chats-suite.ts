import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openGateway } from '../gateway/gateway.ts'
import { assertBlockKit, shownBySlack } from '../support/block-kit.ts'
import { secrets } from '../support/canaries.ts'
import {
  bySlack,
  type ChatRequest,
  chatLeaksIn,
  chatSettings,
  mattermostCommand,
  openHooks,
  people,
  SLACK_ORIGIN,
  slackClick,
  slackCommand,
  worksOrigins,
} from '../support/chats.ts'
import type { Door, Environment } from '../support/doors.ts'
import type { Origins } from '../support/elsewhere.ts'
import { environmentFor } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { openWorksPlatform, worksCallback, worksLeaksIn } from '../support/works-platform.ts'

const SECOND = 1_000
const LATE = 'NAVER Cloud の応答が遅れています'

/** A relay whose timer the test may have to fire. */
export interface ChattyDoor extends Door {
  fire?(): Promise<unknown>
}

/** Tests that a relay answers chats, creates the images that they request, and announces those images there. */
export function chatsSuite(
  open: (environment: Environment, origins: Origins) => Promise<ChattyDoor>,
) {
  let gateway: Awaited<ReturnType<typeof openGateway>>
  let hooks: Awaited<ReturnType<typeof openHooks>>
  let works: Awaited<ReturnType<typeof openWorksPlatform>>
  let door: ChattyDoor

  beforeAll(async () => {
    gateway = await openGateway({ ...secrets, readyAfterMs: 0 })
    hooks = await openHooks()
    works = await openWorksPlatform()
    const environment = environmentFor(gateway.origin, {
      ...chatSettings(hooks.url),
      ...works.settings,
      RELAY_LANGUAGE: 'ja',
    })
    door = await open(environment, {
      [SLACK_ORIGIN]: hooks.url,
      ...worksOrigins(works.url),
    })
  })

  afterAll(async () => {
    await door?.close()
    expect(works.faults).toEqual([])
    expect([...chatLeaksIn(door?.output() ?? ''), ...worksLeaksIn(door?.output() ?? '')]).toEqual(
      [],
    )
    hooks.close()
    await works.close()
    await gateway.close()
  })

  const ask = (request: ChatRequest) => door.request(request.path, request)

  /** Sends a Slack or Mattermost request and returns the message. On a busy machine it may come late, as a post. */
  async function messageTo(request: ChatRequest) {
    const before = hooks.said.length
    const { json } = await ask(request)
    if (!JSON.stringify(json).includes(LATE)) return json
    await fireUntil(() => expect(hooks.said.length).toBeGreaterThan(before))
    return hooks.said.at(-1)?.body
  }

  /** Fires the timer until a check passes. */
  async function fireUntil(check: () => void) {
    await until(async () => {
      await door.fire?.()
      await sleep(200)
      check()
    })
  }

  const postsWith = (name: string) =>
    hooks.said.filter(({ body }) => JSON.stringify(body).includes(name))
  const imagesNamed = (name: string) => gateway.images.all().filter((image) => image.name === name)

  describe('chats', () => {
    test('Slack: shows an image, creates one on a button click, and announces it', async () => {
      const status = await messageTo(slackCommand('状態 １２３４１４５７'))
      assertBlockKit(status)
      expect(shownBySlack(status)).toContain('test-kvm の準備ができました')
      const summary = await messageTo(slackCommand('create web-slack 12344697'))
      assertBlockKit(summary)
      const button = summary.blocks.at(-1).elements[0]
      const click = slackClick(button)
      for (const { status, text } of await Promise.all([
        ask(click),
        ask(click),
        ask(slackClick(button)),
      ])) {
        expect([status, text]).toEqual([200, ''])
      }
      // Two distinct clicks get an answer each, from the request or the tick. The third post announces the end.
      await fireUntil(() => expect(postsWith('web-slack')).toHaveLength(3))
      expect(postsWith('web-slack の準備').length).toBeGreaterThanOrEqual(1)
      for (const { body } of postsWith('web-slack')) assertBlockKit(body)
      expect(imagesNamed('web-slack')).toHaveLength(1)
    })

    test('Mattermost: shows an image, creates one when its code is typed, and announces it', async () => {
      const address = `${hooks.url}/hooks/commands/1`
      const typed = async (text: string) =>
        (await messageTo(mattermostCommand(text, { address }))).text as string
      expect(await typed('status 12341457')).toContain('test-kvm の準備ができました')
      const [command = ''] = /confirm \S+/.exec(await typed('create web-mm 12344697')) ?? []
      expect(await typed(command)).toContain('web-mm の作成をリクエストしました')
      // The image may be ready by then.
      expect(await typed(command)).toMatch(/web-mm (の作成をリクエストしました|の準備ができました)/)
      await fireUntil(() => expect(postsWith('web-mm の準備')).toHaveLength(1))
      expect(imagesNamed('web-mm')).toHaveLength(1)
    })

    test('NAVER WORKS: shows an image, creates one on a button click, and announces it', async () => {
      const messagesWith = (part: string) =>
        works.messages.filter(({ content }) => JSON.stringify(content).includes(part))
      const write = async (event: { text: string; postback?: string }) => {
        const sent = worksCallback(works.settings, { userId: people.works.maker, ...event })
        const request = { path: '/chat/works', method: 'POST', as: '', ...sent }
        for (const { status } of [await ask(request), await ask(request)]) expect(status).toBe(200)
      }
      await write({ text: '상태 12341457' })
      await fireUntil(() => expect(messagesWith('test-kvm 준비 완료')).toHaveLength(1))
      await write({ text: '생성 web-works 12344697' })
      const summaries = () =>
        works.messages.flatMap(({ content }) => ('actions' in content ? content.actions : []))
      await fireUntil(() => expect(summaries()).toHaveLength(1))
      const [action] = summaries()
      await write({ text: '생성', postback: (action as { postback: string }).postback })
      // The summary, the answer to the click, and the announcement of the end.
      await fireUntil(() => expect(messagesWith('web-works')).toHaveLength(3))
      expect(messagesWith('web-works 준비 완료').length).toBeGreaterThanOrEqual(1)
      expect(imagesNamed('web-works')).toHaveLength(1)
      expect(works.tokens()).toBeLessThan(works.messages.length)
    })

    test('Slack: replies in time while NAVER Cloud hangs, and posts the answer later', async () => {
      // Only the relay's own time limit ends the hang.
      gateway.inject({ fault: 'hang', of: '12342264' })
      const { status, json } = await ask(slackCommand('status 12342264'))
      expect(status).toBe(200)
      expect(shownBySlack(json)).toContain(LATE)
      await fireUntil(() => expect(postsWith('12342264')).toHaveLength(1))
    })

    test('rejects requests with an old, wrong or missing signature or token', async () => {
      const { path, body } = slackCommand('help')
      const requests: ChatRequest[] = [
        bySlack(path, body, Date.now() - 301 * SECOND),
        bySlack(path, body, Date.now(), 'wrong'),
        { ...slackClick({ action_id: 'refresh', value: 'help' }), headers: {} },
        { ...mattermostCommand('help'), headers: { authorization: 'Token wrong' } },
        {
          path: '/chat/works',
          method: 'POST',
          as: '',
          ...worksCallback({ ...works.settings, WORKS_BOT_SECRET: 'wrong' }, { text: 'help' }),
        },
      ]
      for (const request of requests) {
        const { status, json } = await ask(request)
        expect([status, json.code]).toEqual([401, 'unauthenticated'])
      }
    })
  })
}

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

/** A door whose timer may have to be fired. */
export interface ChattyDoor extends Door {
  fire?(): Promise<unknown>
}

/** Proves of a door that chats are answered, and that what is asked for there is made, and told there. */
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

  /** Asks Slack's or Mattermost's way, and returns the message; a busy machine may be late with it and post it. */
  async function messageTo(request: ChatRequest) {
    const before = hooks.said.length
    const { json } = await ask(request)
    if (!JSON.stringify(json).includes(LATE)) return json
    await fireUntil(() => expect(hooks.said.length).toBeGreaterThan(before))
    return hooks.said.at(-1)?.body
  }

  /** Lets the timer fire until something holds. */
  async function fireUntil(holds: () => void) {
    await until(async () => {
      await door.fire?.()
      await sleep(200)
      holds()
    })
  }

  const saidOf = (name: string) =>
    hooks.said.filter(({ body }) => JSON.stringify(body).includes(name))
  const madeOf = (name: string) => gateway.images.all().filter((image) => image.name === name)

  describe('speaks', () => {
    test('with Slack: shows an image, makes one when its button is clicked, and tells its end', async () => {
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
      // An answer to each of two clicks, by whoever was first to have the time, and the end.
      await fireUntil(() => expect(saidOf('web-slack')).toHaveLength(3))
      expect(saidOf('web-slack の準備').length).toBeGreaterThanOrEqual(1)
      for (const { body } of saidOf('web-slack')) assertBlockKit(body)
      expect(madeOf('web-slack')).toHaveLength(1)
    })

    test('with Mattermost: shows an image, makes one when its code is typed, and tells its end', async () => {
      const address = `${hooks.url}/hooks/commands/1`
      const typed = async (text: string) =>
        (await messageTo(mattermostCommand(text, { address }))).text as string
      expect(await typed('status 12341457')).toContain('test-kvm の準備ができました')
      const [command = ''] = /confirm \S+/.exec(await typed('create web-mm 12344697')) ?? []
      expect(await typed(command)).toContain('web-mm の作成をリクエストしました')
      // The image may be ready by then.
      expect(await typed(command)).toMatch(/web-mm (の作成をリクエストしました|の準備ができました)/)
      await fireUntil(() => expect(saidOf('web-mm の準備')).toHaveLength(1))
      expect(madeOf('web-mm')).toHaveLength(1)
    })

    test('with NAVER WORKS: shows an image, makes one when its button is clicked, and tells its end', async () => {
      const said = (part: string) =>
        works.messages.filter(({ content }) => JSON.stringify(content).includes(part))
      const write = async (event: { text: string; postback?: string }) => {
        const sent = worksCallback(works.settings, { userId: people.works.maker, ...event })
        const request = { path: '/chat/works', method: 'POST', as: '', ...sent }
        for (const { status } of [await ask(request), await ask(request)]) expect(status).toBe(200)
      }
      await write({ text: '상태 12341457' })
      await fireUntil(() => expect(said('test-kvm 준비 완료')).toHaveLength(1))
      await write({ text: '생성 web-works 12344697' })
      const summaries = () =>
        works.messages.flatMap(({ content }) => ('actions' in content ? content.actions : []))
      await fireUntil(() => expect(summaries()).toHaveLength(1))
      const [action] = summaries()
      await write({ text: '생성', postback: (action as { postback: string }).postback })
      // What was asked, the answer to the click, and the end.
      await fireUntil(() => expect(said('web-works')).toHaveLength(3))
      expect(said('web-works 준비 완료').length).toBeGreaterThanOrEqual(1)
      expect(madeOf('web-works')).toHaveLength(1)
      expect(works.tokens()).toBeLessThan(works.messages.length)
    })

    test('while NAVER Cloud hangs, and posts the answer when it does no more', async () => {
      // Nothing ends the hang but the relay's own time limit.
      gateway.inject({ fault: 'hang', of: '12342264' })
      const { status, json } = await ask(slackCommand('status 12342264'))
      expect(status).toBe(200)
      expect(shownBySlack(json)).toContain(LATE)
      await fireUntil(() => expect(saidOf('12342264')).toHaveLength(1))
    })

    test('with nobody else', async () => {
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

import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Random, randomOf } from '../../simulation/random.ts'
import {
  bySlack,
  type ChatRequest,
  chatSecrets,
  confirmationId,
  mattermostCommand,
  openChatRelay,
  people,
  slackClick,
  slackCommand,
  worksOrigins,
} from '../../support/chats.ts'
import { scaled } from '../../support/counts.ts'
import { openWorksPlatform, signedCallback, worksCallback } from '../../support/works-platform.ts'

const NOW = 1_800_000_000_000
const SECOND = 1_000
const FORGERIES = scaled(20_000)

let chat: Awaited<ReturnType<typeof openChatRelay>>
let works: Awaited<ReturnType<typeof openWorksPlatform>>

beforeEach(async () => {
  vi.spyOn(Date, 'now').mockImplementation(() => NOW)
  works = await openWorksPlatform({ now: () => NOW })
  chat = await openChatRelay({
    environment: works.settings,
    origins: worksOrigins(works.url),
  })
})

afterEach(async () => {
  await chat.close()
  await works.close()
})

const confirmationFor = (caller: string) =>
  `${confirmationId(caller)} ${(NOW + 60_000).toString(36)} create web-golden 12344697`
const BUTTON = { action_id: 'confirm', value: confirmationFor(`slack:${people.slack.maker}`) }
const CALLBACK = {
  text: 'Create',
  userId: people.works.maker,
  postback: confirmationFor(`works:${people.works.maker}`),
}

/** Returns requests that are accepted unchanged. Those of Slack and NAVER WORKS would create an image. */
function genuine(): Record<'slack' | 'mattermost' | 'works', ChatRequest> {
  const callback = worksCallback(works.settings, CALLBACK, { at: NOW })
  return {
    slack: slackClick(BUTTON, { at: NOW }),
    mattermost: mattermostCommand('status 12341457'),
    works: { path: '/chat/works', method: 'POST', as: '', ...callback },
  }
}

type Alteration = (request: ChatRequest, random: Random) => ChatRequest

const withHeader = (request: ChatRequest, name: string, change: (value: string) => string) => ({
  ...request,
  headers: { ...request.headers, [name]: change(request.headers[name] ?? '') },
})

/** Changes one byte of a text so that it remains text. */
function flipped(text: string, random: Random): string {
  const bytes = Buffer.from(text)
  const at = random.between(0, bytes.length - 1)
  const before = bytes[at] ?? 0
  // Keeps the case of a percent-encoded digit, which has no meaning, and makes no byte that a header cannot hold.
  bytes[at] = before ^ (before & 0x40 ? 0x03 : 0x01)
  return bytes.toString('latin1')
}

const shortened = (text: string, random: Random) =>
  text.slice(0, random.between(0, text.length - 1))
const without = ({ headers, ...request }: ChatRequest, ...names: string[]) => ({
  ...request,
  headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name))),
})
const signature = { slack: 'x-slack-signature', works: 'x-works-signature' }

/** Returns alterations of a request that Slack or NAVER WORKS signed. */
const signedAlterations = (name: string): Alteration[] => [
  (request, random) => withHeader(request, name, (value) => flipped(value, random)),
  (request, random) => withHeader(request, name, (value) => shortened(value, random)),
  (request) => withHeader(request, name, (value) => value.toUpperCase()),
  (request) => withHeader(request, name, (value) => `${value}0`),
  (request) => withHeader(request, name, () => ''),
  (request) => without(request, name),
  (request, random) => ({ ...request, body: flipped(request.body, random) }),
  (request, random) => ({ ...request, body: shortened(request.body, random) }),
  (request) => ({ ...request, body: `${request.body} ` }),
]

const slackAlterations: Alteration[] = [
  ...signedAlterations(signature.slack),
  (request, random) => {
    const away = random.chance(0.5) ? 301 : -301
    const { path, body } = request
    return bySlack(path, body, NOW + (away + Math.sign(away) * random.between(0, 1e6)) * SECOND)
  },
  (request, random) =>
    withHeader(request, 'x-slack-request-timestamp', (value) =>
      String(Number(value) + (random.chance(0.5) ? 1 : -1) * random.between(1, 300)),
    ),
  (request) => withHeader(request, 'x-slack-request-timestamp', (value) => `${value}.0`),
  (request) => withHeader(request, 'x-slack-request-timestamp', (value) => ` 0${value}`),
  (request) => without(request, 'x-slack-request-timestamp'),
  ({ path, body }, random) => bySlack(path, body, NOW, flipped(chatSecrets.slack, random)),
  (request) =>
    withHeader(request, signature.slack, () => {
      const at = request.headers['x-slack-request-timestamp']
      const mac = createHmac('sha1', chatSecrets.slack).update(`v0:${at}:${request.body}`)
      return `v0=${mac.digest('hex')}`
    }),
  (request) =>
    withHeader(request, signature.slack, () => {
      const mac = createHmac('sha256', chatSecrets.slack).update(request.body)
      return `v0=${mac.digest('hex')}`
    }),
  (request) => withHeader(request, signature.slack, (value) => value.replace('v0=', 'v1=')),
  (request) => withHeader(request, signature.slack, (value) => value.replace('v0=', '')),
]

const mattermostAlterations: Alteration[] = [
  (request, random) =>
    withHeader(request, 'authorization', (value) => `Token ${flipped(value.slice(6), random)}`),
  (request, random) =>
    withHeader(request, 'authorization', (value) => `Token ${shortened(value.slice(6), random)}`),
  (request) => withHeader(request, 'authorization', (value) => `${value}0`),
  (request) => ({
    ...without(request, 'authorization'),
    body: request.body.replace(chatSecrets.mattermost, chatSecrets.mattermost.toUpperCase()),
  }),
  (request) => ({
    ...without(request, 'authorization'),
    body: request.body.replace(/token=[^&]*/, ''),
  }),
]

const worksAlterations: Alteration[] = [
  ...signedAlterations(signature.works),
  (request) => withHeader(request, 'x-works-botid', (value) => `${value}0`),
  (request) => withHeader(request, 'x-works-botid', () => ''),
  (request, random) => {
    const away = random.chance(0.5) ? 300_001 : -300_001
    const at = NOW + away + Math.sign(away) * random.between(0, 1e9)
    return { ...request, ...worksCallback(works.settings, CALLBACK, { at }) }
  },
  (request, random) => {
    const keys = {
      ...works.settings,
      WORKS_BOT_SECRET: flipped(works.settings.WORKS_BOT_SECRET, random),
    }
    return { ...request, ...signedCallback(keys, request.body) }
  },
  (request) => ({
    ...request,
    ...signedCallback(works.settings, request.body.replace(/"issuedTime":"[^"]*",?/, '')),
  }),
]

test(`rejects all of ${FORGERIES} altered requests`, async () => {
  const random = randomOf(6)
  const alterations = Object.entries({
    slack: slackAlterations,
    mattermost: mattermostAlterations,
    works: worksAlterations,
  }) as [keyof ReturnType<typeof genuine>, Alteration[]][]
  const all = alterations.flatMap(([name, list]) => list.map((alter) => ({ name, alter })))
  const statuses = new Map<number, number>()
  const requests = genuine()
  for (let i = 0; i < FORGERIES; i++) {
    const { name, alter } = all[i % all.length] as (typeof all)[number]
    const forged = alter(requests[name], random)
    if (JSON.stringify(forged) === JSON.stringify(requests[name])) continue
    const { status } = await chat.relay.request(forged.path, forged)
    if (status !== 401) throw new Error(`${name} got ${status} for ${JSON.stringify(forged)}`)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  expect([...statuses.keys()]).toEqual([401])
  expect(statuses.get(401)).toBeGreaterThan(0.99 * FORGERIES)
  expect(await chat.operations()).toEqual([])
  expect([chat.said, works.messages]).toEqual([[], []])
})

test('accepts the unaltered requests, and a thousand repeats have one effect', async () => {
  const { slack, works: callback } = genuine()
  for (let i = 0; i < 500; i++) {
    expect((await chat.relay.request(slack.path, slack)).status).toBe(200)
    expect((await chat.relay.request(callback.path, callback)).status).toBe(200)
  }
  // Two people ask for the same name, and the first one gets it.
  expect(await chat.operations()).toHaveLength(1)
  expect([chat.said.length, works.messages.length]).toEqual([1, 1])
  expect((await chat.relay.request('/chat/mattermost', mattermostCommand('help'))).status).toBe(200)
  expect(
    (await chat.relay.request('/chat/slack/commands', slackCommand('help', { at: NOW }))).status,
  ).toBe(200)
})

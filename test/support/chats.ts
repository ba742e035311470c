import { createHash, createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import type { Transport } from '../../shared/web/transport.ts'
import { leakSearch } from './canaries.ts'
import { openLocalServer } from './local-server.ts'
import { type Asked, openRelay, type RelayOptions } from './relay.ts'

/** The secrets that only the relay and a chat may know. */
export const chatSecrets = {
  slack: 'CANARYslackSigning0a1b2c3d4e5f',
  mattermost: 'CANARYmattermost9z8y7x6w5v',
}

/** Searches for the chats' secrets, and for the last part of a response address. */
export const chatLeaksIn = leakSearch({ ...chatSecrets, address: 'CANARYaddress5Tt6Uu7Vv8Ww' })

/** People in the chats. The makers are allowed to create images. */
export const people = {
  slack: { maker: 'T0RELAY:U0MAKER', other: 'T0RELAY:U0OTHER' },
  mattermost: { maker: 'maker000000000000000000000', other: 'other000000000000000000000' },
  works: { maker: 'c72af563-0f21-4736-11e4-045237113344', other: 'other-user' },
}

/** Returns the settings of Slack and Mattermost. `mattermost` is the origin of a stand-in. */
export function chatSettings(mattermost = 'http://127.0.0.1:9') {
  return {
    SLACK_SIGNING_SECRET: chatSecrets.slack,
    MATTERMOST_TOKEN: chatSecrets.mattermost,
    MATTERMOST_URL: mattermost,
    CHAT_CREATORS: JSON.stringify({
      slack: [people.slack.maker],
      mattermost: [people.mattermost.maker],
      works: [people.works.maker],
    }),
  }
}

/** Returns a new id with which a caller may confirm, once or repeatedly. */
export function confirmationId(caller: string): string {
  const mark = createHash('sha256').update(caller).digest('hex').slice(0, 8)
  return randomBytes(12).toString('hex') + mark
}

/** The origin of Slack's response addresses. */
export const SLACK_ORIGIN = 'https://hooks.slack.com'

/** The response address in Slack's requests. */
export const SLACK_ADDRESS = `${SLACK_ORIGIN}/commands/T0RELAY/1/CANARYaddress5Tt6Uu7Vv8Ww`

let triggers = 0

/** Returns a command as Slack sends it. Source of the fields: https://docs.slack.dev/interactivity/implementing-slash-commands */
export function slackCommand(text: string, { person = people.slack.maker, at = Date.now() } = {}) {
  const [team_id = '', user_id = ''] = person.split(':')
  const form = {
    token: 'legacy',
    team_id,
    team_domain: 'relay',
    channel_id: 'C0RELAY',
    channel_name: 'ops',
    user_id,
    user_name: 'maker',
    command: '/ncp',
    text,
    api_app_id: 'A0RELAY',
    is_enterprise_install: 'false',
    response_url: SLACK_ADDRESS,
    trigger_id: `${++triggers}.2.abc`,
  }
  return bySlack('/chat/slack/commands', new URLSearchParams(form).toString(), at)
}

/** Returns a click as Slack sends it. Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
export function slackClick(
  button: { action_id: string; value: string },
  { person = people.slack.maker, at = Date.now(), address = SLACK_ADDRESS } = {},
) {
  const [team = '', user = ''] = person.split(':')
  const payload = {
    type: 'block_actions',
    user: { id: user, username: 'maker', name: 'maker', team_id: team },
    api_app_id: 'A0RELAY',
    token: 'legacy',
    container: { type: 'message', message_ts: '1.2', channel_id: 'C0RELAY', is_ephemeral: true },
    trigger_id: `${++triggers}.2.abc`,
    team: { id: team, domain: 'relay' },
    channel: { id: 'C0RELAY', name: 'ops' },
    response_url: address,
    actions: [{ ...button, block_id: 'b', type: 'button', action_ts: `${triggers}.1` }],
  }
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
  return bySlack('/chat/slack/interactions', body, at)
}

/** A request to a chat route. */
export interface ChatRequest extends Asked {
  path: string
  headers: Record<string, string>
  body: string
}

/** Returns a request with Slack's signature. */
export function bySlack(
  path: string,
  body: string,
  at: number,
  secret = chatSecrets.slack,
): ChatRequest {
  const timestamp = String(Math.floor(at / 1_000))
  const mac = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')
  return {
    path,
    method: 'POST',
    as: '',
    body,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${mac}`,
    },
  }
}

/** Returns a command as Mattermost sends it. Source: https://developers.mattermost.com/integrate/slash-commands/custom */
export function mattermostCommand(
  text: string,
  {
    person = people.mattermost.maker,
    address = 'http://127.0.0.1:9/hooks/commands/CANARYaddress5Tt6Uu7Vv8Ww',
  } = {},
): ChatRequest {
  const form = {
    channel_id: 'channel0000000000000000000',
    channel_name: 'ops',
    command: '/ncp',
    response_url: address,
    team_domain: 'relay',
    team_id: 'team0000000000000000000000',
    text,
    token: chatSecrets.mattermost,
    trigger_id: `trigger${++triggers}`,
    user_id: person,
    user_name: 'maker',
  }
  return {
    path: '/chat/mattermost',
    method: 'POST',
    as: '',
    body: new URLSearchParams(form).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Token ${chatSecrets.mattermost}`,
    },
  }
}

/** Wraps a transport so that requests to some origins go elsewhere. */
export function redirected(transport: Transport, origins: Record<string, string>): Transport {
  return (request, timeoutMs) => {
    const { origin, pathname, search } = request.url
    const url = new URL(pathname + search, origins[origin] ?? origin)
    return transport({ ...request, url }, timeoutMs)
  }
}

/** A message that was sent to a response address. */
export interface ChatMessage {
  path: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read any field, and fail if it is missing
  body: any
}

/** Opens a stand-in for the response addresses of Slack and Mattermost. */
export async function openHooks() {
  const said: ChatMessage[] = []
  /** The answers to the next requests. All later requests get 200. */
  const answers: { status: number; body?: string; headers?: Record<string, string> }[] = []
  const { url, close } = await openLocalServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString())
    const { status, body: text = 'ok', headers } = answers.shift() ?? { status: 200 }
    if (status === 200 && text === 'ok') said.push({ path: request.url ?? '', body })
    response.writeHead(status, headers).end(text)
  })
  return { url, said, answers, close }
}

/** Opens a relay with chats, and a stand-in for the response addresses of Slack and Mattermost. */
export async function openChatRelay({
  origins = {},
  ...options
}: RelayOptions & { origins?: Record<string, string> } = {}) {
  const hooks = await openHooks()
  const elsewhere = { [SLACK_ORIGIN]: hooks.url, ...origins }
  const transport = redirected(options.transport ?? httpTransport(), elsewhere)
  const relay = await openRelay({
    ...options,
    transport,
    environment: { ...chatSettings(hooks.url), ...options.environment },
  })

  async function ask(request: ChatRequest) {
    const answered = await relay.request(request.path, request)
    expect(chatLeaksIn(answered.text)).toEqual([])
    expect(chatLeaksIn(relay.log.map((event) => JSON.stringify(event)).join('\n'))).toEqual([])
    return answered
  }

  return {
    relay,
    hooks: hooks.url,
    said: hooks.said,
    answers: hooks.answers,
    ask,
    /** Returns all operations, newest first. */
    operations: () => relay.store.list({ limit: 100 }),
    async close() {
      hooks.close()
      await relay.close()
    },
  }
}

/** Maps the two origins of NAVER WORKS to a stand-in. */
export function worksOrigins(url: string): Record<string, string> {
  return { 'https://auth.worksmobile.com': url, 'https://www.worksapis.com': url }
}

/** Returns a payload from its vendor's documents. `test/fixtures/chat/README.md` lists the sources. */
export function chatFixture(name: string): string {
  return readFileSync(new URL(`../fixtures/chat/${name}`, import.meta.url), 'utf8')
}

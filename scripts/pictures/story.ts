import { createHash, createHmac } from 'node:crypto'
import type { KnownBlock } from '@slack/types'
import { createApp } from '../../functions/app.ts'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import { openSqlite } from '../../functions/platform/node/sqlite-file.ts'
import { newKey } from '../../shared/caller.ts'
import type { LogEvent } from '../../shared/log.ts'
import { parseSettings } from '../../shared/settings.ts'
import { sqliteStore } from '../../shared/store/sqlite-store.ts'
import { systemClock } from '../../shared/web/clock.ts'
import type { Outgoing } from '../../shared/web/transport.ts'
import { openGateway } from '../../test/gateway/gateway.ts'
import type { Step } from './sequence-svg.ts'

const START = Date.UTC(2026, 10, 29, 3)
const SECOND = 1_000
const PERSON = 'T0RELAY:U0MAKER'
const SECRET = 'signing-secret'

/** The command in Slack. */
export const COMMAND = 'create web-db 12344697 50:CB2'
const CREATE = 'createServerImageFromSnapshot'

/** Records what happens when the answer to a create is lost, and the answer of Slack's command `create`. */
export async function recordStory(): Promise<{ steps: Step[]; blocks: KnownBlock[] }> {
  let now = START
  const steps: Step[] = []
  const gateway = await openGateway({ now: () => now, readyAfterMs: 30 * SECOND })
  gateway.inject({ fault: 'close-before', action: CREATE, applied: true })
  const key = newKey()
  const sha256 = createHash('sha256').update(key).digest('hex')
  const settings = await parseSettings({
    NCLOUD_ACCESS_KEY: gateway.accessKey,
    NCLOUD_SECRET_KEY: gateway.secretKey,
    NCLOUD_API_GW: gateway.origin,
    RELAY_KEYS: [{ id: 'ci', sha256, scopes: ['images:read', 'images:create'] }],
    RELAY_NOTIFY: { ops: { format: 'slack', url: 'https://hooks.example/' } },
    SLACK_SIGNING_SECRET: SECRET,
    CHAT_CREATORS: { slack: [PERSON] },
  })
  const app = createApp({
    settings,
    store: sqliteStore(openSqlite(':memory:')),
    clock: { ...systemClock, now: () => now },
    transport: sent,
    log: (event) => steps.push(...stepsOf(event)),
  })

  async function sent(request: Outgoing, timeoutMs: number) {
    const { hostname, pathname } = request.url
    if (hostname === 'hooks.example') {
      const { text } = JSON.parse(String(request.body))
      steps.push({ from: 1, to: 0, text: `Slack: ${text}` })
      return { status: 200, headers: { get: () => null }, body: new Uint8Array() }
    }
    steps.push({ from: 1, to: 2, text: pathname.split('/').at(-1) ?? '' })
    return httpTransport()(request, timeoutMs)
  }

  async function create() {
    const body = JSON.stringify({
      name: 'web-golden',
      storages: [{ snapshotNo: '12344697' }],
      notify: ['ops'],
    })
    steps.push({ from: 0, to: 1, text: 'POST /v1/server-images' })
    const headers = { 'x-api-key': key, 'content-type': 'application/json' }
    const request = new Request('http://relay.example/v1/server-images', {
      method: 'POST',
      headers,
      body,
    })
    const answer = await app.fetch(request)
    const { status } = await answer.json()
    steps.push({ from: 1, to: 0, text: `${answer.status} ${status}` })
  }

  async function tick(seconds: number) {
    now += seconds * SECOND
    steps.push({ note: `${seconds} s later: the tick` })
    await app.tick()
  }

  await create()
  await tick(60)
  const story = steps.splice(0)
  const blocks = await askInSlack(COMMAND)
  await gateway.close()
  return { steps: story, blocks }

  async function askInSlack(text: string): Promise<KnownBlock[]> {
    const [team_id = '', user_id = ''] = PERSON.split(':')
    const form = { command: '/ncp', text, team_id, user_id, trigger_id: '1' }
    const body = new URLSearchParams(form).toString()
    const timestamp = String(Math.floor(now / SECOND))
    const mac = createHmac('sha256', SECRET).update(`v0:${timestamp}:${body}`).digest('hex')
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${mac}`,
    }
    const url = 'http://relay.example/chat/slack/commands'
    const answer = await app.fetch(new Request(url, { method: 'POST', headers, body }))
    return (await answer.json()).blocks
  }
}

/** Returns what an event of the log shows: the answer of NAVER Cloud, or a stored state. */
function stepsOf({ event, code, reason, state }: LogEvent): Step[] {
  if (event === 'upstream') {
    const isLost = code !== undefined
    return [
      {
        from: 2,
        to: 1,
        text: isLost ? `${reason ?? code}: no answer` : 'answer',
        isLost,
      },
    ]
  }
  return event === 'transition' ? [{ at: 1, text: `stored: ${state}` }] : []
}

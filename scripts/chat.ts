import { createHmac, randomUUID } from 'node:crypto'
import type { KnownBlock } from '@slack/types'
import { SLACK } from './sandbox.ts'
import { slackLines } from './slack-lines.ts'
import { newResponseUrl, slackStandInUrl } from './slack-stand-in.ts'

const USAGE = `npm run chat -- "/ncp status 12341457"
npm run chat -- --click 'confirm …', as the relay has printed it`

const [team_id = '', user_id = ''] = SLACK.person.split(':')
const port = process.env.PORT || '8787'
const url = `http://127.0.0.1:${port}`

/** Sends a request as Slack does, signed, and returns the body of the answer. */
async function send(path: string, form: Record<string, string>): Promise<string> {
  const body = new URLSearchParams(form).toString()
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const mac = createHmac('sha256', SLACK.signingSecret).update(`v0:${timestamp}:${body}`)
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': `v0=${mac.digest('hex')}`,
  }
  const answer = await fetch(url + path, { method: 'POST', headers, body })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`The relay answered ${answer.status}: ${text}`)
  return text
}

function show(blocks: KnownBlock[]): void {
  console.log(slackLines(blocks).join('\n'))
}

async function command(text: string): Promise<void> {
  const form = { command: '/ncp', text, team_id, user_id, trigger_id: randomUUID() }
  show(JSON.parse(await send('/chat/slack/commands', form)).blocks)
}

/** Clicks a button and shows the answer that the relay posts to Slack. */
async function click(action_id: string, value: string): Promise<void> {
  const standIn = slackStandInUrl(port)
  const { path, responseUrl } = newResponseUrl()
  const payload = {
    type: 'block_actions',
    team: { id: team_id },
    user: { id: user_id },
    response_url: standIn ? responseUrl : '',
    actions: [{ action_id, value }],
  }
  await send('/chat/slack/interactions', { payload: JSON.stringify(payload) })
  const { blocks } = standIn ? await (await fetch(standIn + path)).json() : {}
  if (blocks) return show(blocks)
  // Without the stand-in, as with npm run dev:worker, the answer is lost. A new command shows the result.
  await command(action_id === 'confirm' ? 'recent' : value)
}

const [first = '', ...more] = process.argv.slice(2)
const [, action, value] = /^(confirm|refresh) (.+)$/.exec(more.join(' ')) ?? []
try {
  if (first === '--click' && action && value) {
    await click(action, value)
  } else if (first.startsWith('/ncp')) {
    await command([first, ...more].join(' ').slice('/ncp'.length).trim())
  } else {
    console.error(USAGE)
    process.exitCode = 1
  }
} catch (error) {
  const isDown = error instanceof TypeError
  console.error(
    isDown ? `No relay listens on ${url}. Start one: npm start` : (error as Error).message,
  )
  process.exitCode = 1
}

import { createHmac, randomUUID } from 'node:crypto'
import type { KnownBlock, PlainTextElement } from '@slack/types'
import { SLACK } from './sandbox.ts'

const USAGE = `npm run chat -- "/ncp status 12341457"
npm run chat -- --click 'confirm …', as the relay has printed it`

const [team_id = '', user_id = ''] = SLACK.person.split(':')
const url = `http://127.0.0.1:${process.env.PORT || 8787}`

/** Sends what Slack would, signed; without an address to answer at, so that ends are told in the room. */
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

/** The lines that Slack would show of a block. */
function linesOf(block: KnownBlock): string[] {
  switch (block.type) {
    case 'header':
      return [`*${shown(block.text)}*`]
    case 'section': {
      const fields = (block.fields ?? []).map((field) => shown(field).replace('\n', ': '))
      return [...(block.text ? [shown(block.text)] : []), ...fields]
    }
    case 'actions':
      return block.elements.flatMap((element) =>
        element.type === 'button' ? ['', `[${shown(element.text)}]`, clickOn(element)] : [],
      )
    default:
      return []
  }
}

function clickOn({ action_id, value }: { action_id?: string; value?: string }): string {
  return `npm run chat -- --click '${action_id} ${value}'`
}

function shown({ text }: Pick<PlainTextElement, 'text'>): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

async function command(text: string): Promise<void> {
  const form = { command: '/ncp', text, team_id, user_id, trigger_id: randomUUID() }
  const { blocks } = JSON.parse(await send('/chat/slack/commands', form))
  console.log(blocks.flatMap(linesOf).join('\n'))
}

/** Clicks, and asks for what came of it: Slack would show that at an address of its own. */
async function click(action_id: string, value: string): Promise<void> {
  const actions = [{ action_id, value }]
  const [team, user] = [{ id: team_id }, { id: user_id }]
  const payload = { type: 'block_actions', team, user, response_url: '', actions }
  await send('/chat/slack/interactions', { payload: JSON.stringify(payload) })
  await command(action_id === 'confirm' ? 'creations' : value)
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
  console.error(isDown ? `There is no relay on ${url}: npm start` : (error as Error).message)
  process.exitCode = 1
}

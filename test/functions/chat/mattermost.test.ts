import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  chatFixture,
  chatSecrets,
  mattermostCommand,
  openChatRelay,
  people,
} from '../../support/chats.ts'

const MINUTE = 60_000

let ahead = 0
const { now } = Date

let chat: Awaited<ReturnType<typeof openChatRelay>>

beforeEach(async () => {
  ahead = 0
  vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead)
  chat = await openChatRelay()
})

afterEach(() => chat.close())

/** Sends a command and returns the text of the answer. */
async function shown(text: string, person = people.mattermost.maker) {
  const address = `${chat.hooks}/hooks/commands/1`
  const { status, json } = await chat.ask(mattermostCommand(text, { person, address }))
  expect(status).toBe(200)
  // The format of Mattermost's documents. Text outside a code block would be read as Markdown.
  expect(json).toEqual({
    response_type: 'ephemeral',
    text: expect.stringMatching(/^```\n[^`]+\n```$/),
    skip_slack_parsing: true,
  })
  return json.text as string
}

/** Sends a command and returns the command that confirms it. */
async function confirmation(text: string) {
  const [, command = ''] = /To confirm, send: \/ncp (confirm \S+)/.exec(await shown(text)) ?? []
  return command
}

test('a command shows the state of an image', async () => {
  const text = await shown('status 12341457')
  for (const part of ['test-kvm is ready', 'Image: 12341457', 'Size: 10 GB']) {
    expect(text).toContain(part)
  }
})

describe('an operation', () => {
  test('is shown, confirmed by its code, sent by the tick and announced once in the room', async () => {
    const command = await confirmation('create web-golden 12344697')
    expect(await chat.operations()).toEqual([])
    expect(await shown(command)).toContain('web-golden is requested')
    await chat.relay.tick()
    await chat.relay.tick()
    expect(await chat.operations()).toMatchObject([
      { state: 'applied', caller: `mattermost:${people.mattermost.maker}` },
    ])
    expect(chat.said).toEqual([
      {
        path: '/hooks/commands/1',
        body: {
          response_type: 'in_channel',
          text: expect.stringMatching(/^```\nweb-golden is ready\nImage: \d+\n/),
          skip_slack_parsing: true,
        },
      },
    ])
  })

  test('is made once when its code is typed or sent several times', async () => {
    const command = await confirmation('create web-golden 12344697')
    const sent = mattermostCommand(command, { address: `${chat.hooks}/hooks/commands/1` })
    await Promise.all([sent, sent, mattermostCommand(command), sent].map(chat.ask))
    expect(await shown(command)).toContain('web-golden is requested')
    expect(await chat.operations()).toHaveLength(1)
  })

  test('needs the unchanged code of the person who asked, within ten minutes', async () => {
    const command = await confirmation('create web-golden 12344697')
    const { other } = people.mattermost
    const [, code = ''] = command.split(' ')
    const [text = '', mac = ''] = code.split('.')
    const another = Buffer.from(
      Buffer.from(text, 'base64url').toString().replace('web-golden', 'web-silver'),
    ).toString('base64url')
    for (const wrong of [another, `${text}x`, '', 'A']) {
      expect(await shown(`confirm ${wrong}.${mac}`)).toContain('I need the code that I sent you.')
    }
    expect(await shown(`confirm ${text}.${mac.slice(0, -1)}`)).toContain(
      'I need the code that I sent you.',
    )
    expect(await shown(command, other)).toContain('I need the code that I sent you.')
    ahead = 10 * MINUTE + 1_000
    expect(await shown(command)).toContain(
      'Send the command again: /ncp create web-golden 12344697',
    )
    expect(await chat.operations()).toEqual([])
    ahead = 9 * MINUTE
    expect(await shown(command)).toContain('web-golden is requested')
  })

  test('needs permission at the command and at its confirmation', async () => {
    const forbidden = 'You are not allowed to create images.'
    expect(await shown('create web-golden 12344697', people.mattermost.other)).toContain(forbidden)
    const command = await confirmation('create web-golden 12344697')
    const { hooks } = chat
    await chat.close()
    // The same token, but nobody has permission any more.
    chat = await openChatRelay({ environment: { CHAT_CREATORS: '{}', MATTERMOST_URL: hooks } })
    expect(await shown(command)).toContain(forbidden)
    expect(await chat.operations()).toEqual([])
  })

  test('can still be confirmed after a newer token was added', async () => {
    const command = await confirmation('create web-golden 12344697')
    await chat.close()
    const MATTERMOST_TOKEN = `newer-token,${chatSecrets.mattermost}`
    chat = await openChatRelay({ environment: { MATTERMOST_TOKEN } })
    expect(await shown(command)).toContain('web-golden is requested')
  })
})

test('shows a description with a code fence inside a longer fence', async () => {
  const description = 'a ``` b ```` c'
  const image = chat.relay.gateway.images.add({ name: 'web-fence', description })
  const address = `${chat.hooks}/hooks/commands/1`
  const { json } = await chat.ask(mattermostCommand(`status ${image.no}`, { address }))
  expect(json.text).toMatch(/^`````\n/)
  expect(json.text).toContain(description)
})

describe('the sender', () => {
  const path = '/chat/mattermost'

  test('is verified by the token in the header or in the body', async () => {
    const { body, headers, ...sent } = mattermostCommand('help')
    const { authorization, ...rest } = headers
    const other = body.replace(chatSecrets.mattermost, 'wrong')
    const status = async (given: object) =>
      (await chat.ask({ ...sent, body, headers: rest, ...given })).status
    expect(await status({ headers })).toBe(200)
    expect(await status({ body: other, headers })).toBe(200)
    expect(await status({})).toBe(200)
    expect(await status({ body: other })).toBe(401)
    expect(await status({ headers: { ...rest, authorization: 'Token wrong' } })).toBe(401)
    expect(
      await status({ headers: { ...rest, authorization: `Bearer ${authorization}` }, body: other }),
    ).toBe(401)
    expect(await status({ body: '' })).toBe(401)
  })

  test('gets 405 for a GET', async () => {
    const { body } = mattermostCommand('help')
    const { status } = await chat.relay.request(`${path}?${body}`)
    expect(status).toBe(405)
  })

  test('must have a valid user id', async () => {
    const sent = mattermostCommand('help', { person: 'a;b' })
    const { status, json } = await chat.ask(sent)
    expect([status, json.code]).toEqual([400, 'malformed-request'])
  })
})

test('accepts the request that Mattermost publishes as an example', async () => {
  const { headers, body } = JSON.parse(chatFixture('mattermost-command.json'))
  const token = new URLSearchParams(body).get('token') ?? ''
  await chat.close()
  chat = await openChatRelay({ environment: { MATTERMOST_TOKEN: token } })
  const sent = { path: '/chat/mattermost', method: 'POST', as: '', headers, body }
  expect((await chat.ask(sent)).status).toBe(200)
})

test('sends nothing to another origin than the configured one', async () => {
  const command = await confirmation('create web-golden 12344697')
  await chat.ask(mattermostCommand(command, { address: 'http://127.0.0.2:9/hooks/commands/1' }))
  await chat.relay.tick()
  await chat.relay.tick()
  expect(chat.said).toEqual([])
  expect(chat.relay.log).toContainEqual(
    expect.objectContaining({ target: 'chat:mattermost', state: 'refused' }),
  )
})

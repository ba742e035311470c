import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { assertBlockKit, shownBySlack } from '../../support/block-kit.ts'
import {
  bySlack,
  chatFixture,
  chatSecrets,
  openChatRelay,
  people,
  SLACK_ADDRESS,
  slackClick,
  slackCommand,
} from '../../support/chats.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** Milliseconds by which this process's clock runs ahead. */
let ahead = 0
const { now } = Date

let chat: Awaited<ReturnType<typeof openChatRelay>>

beforeEach(async () => {
  ahead = 0
  vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead)
  chat = await openChatRelay()
})

afterEach(async () => {
  for (const { path, body } of chat.said) if (path.startsWith('/commands/')) assertBlockKit(body)
  await chat.close()
})

/** Sends a command and returns the answer. */
async function answerTo(text: string, more: Parameters<typeof slackCommand>[1] = {}) {
  const { status, json } = await chat.ask(slackCommand(text, more))
  expect(status).toBe(200)
  assertBlockKit(json)
  expect(json.response_type).toBe('ephemeral')
  return json
}

/** Sends a command and returns the text that a person reads. */
const shown = async (text: string) => blocksOf(await answerTo(text))

/** Returns the text of a message's blocks, without the fallback for notifications. */
const blocksOf = ({ blocks }: { blocks: Block[] }) => shownBySlack({ blocks })

interface Block {
  elements?: { action_id: string; value: string }[]
}

/** Returns the button of a message. */
function buttonIn({ blocks }: { blocks: Block[] }) {
  const [button] = blocks.flatMap(({ elements = [] }) => elements)
  if (!button) throw new Error('There is no button')
  return button
}

async function click(...given: Parameters<typeof slackClick>) {
  const { status, text } = await chat.ask(slackClick(...given))
  expect([status, text]).toEqual([200, ''])
}

/** Asks for an image and clicks the button. */
async function make(name: string) {
  await click(buttonIn(await answerTo(`create ${name} 12344697`)))
}

describe('a command', () => {
  test('shows an image by its number', async () => {
    const text = await shown('status 12341457')
    for (const part of [
      ...['test-kvm is ready', '12341457', '10 GB', 'UBUNTU'],
      'Base storage: from snapshot 12344697, 10 GB CB1',
    ]) {
      expect(text).toContain(part)
    }
  })

  test('shows an image by its name, and lists several images of one name', async () => {
    chat.relay.gateway.images.add({ name: 'web-golden' })
    expect(await shown('status web-golden')).toContain('web-golden is ready')
    const second = chat.relay.gateway.images.add({ name: 'web-golden' })
    const text = await shown('status web-golden')
    expect(text).toContain(`Image ${second.no}: ready`)
    expect(text.match(/: ready/g)).toHaveLength(2)
  })

  test('names the image or request that does not exist', async () => {
    const id = `op_${'0'.repeat(32)}`
    expect(await shown('status 99999999')).toBe('There is no image with the number 99999999.')
    expect(await shown('status nothing')).toBe('There is no image with the name nothing.')
    expect(await shown(`status ${id}`)).toBe(`There is no request ${id} that you may see.`)
  })

  test('names the permission that the relay lacks', async () => {
    chat.relay.gateway.inject({ fault: 'forbidden', times: 9 })
    expect(await shown('status 12341457')).toContain('may not call getServerImageDetail')
  })

  test.each([
    [
      'create Web_Bad 12344697',
      'I did not understand "Web_Bad": a name has 3 to 30 lower-case letters, digits and hyphens.',
    ],
    ['create web-golden', 'Something is missing: I need the number of a snapshot'],
    ['create web-golden 12344697 55:CB2', 'I did not understand "55:CB2": a further storage is'],
    ['status 12341457번', 'I did not understand "12341457번": I need the number or the name'],
    ['jobs all', '"all" is one word too many.'],
  ])('%j is answered with the wrong word, the rule and an example', async (text, sentence) => {
    const [command = ''] = text.split(' ')
    const answer = await shown(text)
    expect(answer).toContain('I did not understand that')
    expect(answer).toContain(sentence)
    expect(answer).toContain(`Example: /ncp ${command}`)
  })

  test('shortens a wrong word that is too long', async () => {
    expect(await shown(`create ${'X'.repeat(500)}`)).toContain(`"${'X'.repeat(40)}…"`)
  })

  test('that does not exist is answered with the list of commands', async () => {
    const text = await shown('destroy everything')
    expect(text).toContain('There is no command "destroy".')
    expect(text).toContain('/ncp status')
  })

  test('without a word lists all commands, each with its purpose', async () => {
    const text = await shown('')
    for (const part of ['status', 'create', 'recent', 'snapshots', 'jobs', 'run', 'help']) {
      expect(text).toContain(`/ncp ${part}`)
    }
    expect(text).toContain(
      '/ncp jobs (작업 목록 · 작업 · ジョブ 一覧 · ジョブ) – lists the scheduled',
    )
  })

  test('lists a person’s own operations, and has a sentence for an empty list', async () => {
    expect(await shown('recent')).toBe('You have not requested any images yet.')
    await make('web-mine')
    expect(await shown('recent')).toMatch(/web-mine: waiting to be sent \(op_[0-9a-f]{32}\)/)
    await chat.relay.tick()
    expect(await shown('recent')).toMatch(/web-mine: ready, image 3000000\d \(op_/)
    const other = await answerTo('recent', { person: people.slack.other })
    expect(blocksOf(other)).toBe('You have not requested any images yet.')
  })

  test('lists the snapshots of a storage that a create can use, newest first', async () => {
    const { snapshots } = chat.relay.gateway
    snapshots.add({ no: '55', name: 'new-snap', createDate: '2026-11-20T03:00:00+0900' })
    snapshots.add({ no: '56', name: 'data-snap', bootable: false })
    snapshots.add({ no: '57', name: 'xen-snap', hypervisor: 'XEN' })
    snapshots.add({ no: '58', name: 'other-storage', originalStorageNo: '12340009' })
    const lines = (await shown('snapshots 12340001')).split('\n')
    expect(lines[0]).toBe('Usable snapshots of storage 12340001')
    expect(lines).toContain('55, new-snap, 10 GB, created 20 Nov 03:00 UTC+9, bootable')
    expect(lines.find((line) => line.startsWith('56'))).toContain('not bootable')
    expect(lines.join()).not.toMatch(/xen-snap|other-storage/)
    const numbers = lines.slice(1).map((line) => line.split(',')[0])
    expect(numbers.indexOf('55')).toBeLessThan(numbers.indexOf('12344697'))
    expect(await shown('snapshots 99999999')).toBe(
      'Storage 99999999 has no snapshot that an image can be created from.',
    )
  })

  test('says that there are no jobs', async () => {
    expect(await shown('jobs')).toBe('No jobs are set up.')
    expect(await shown('run nothing')).toBe('There is no job nothing: no jobs are set up.')
  })
})

describe('an operation', () => {
  test('is shown, confirmed, sent by the next tick and announced once in the room', async () => {
    const summary = await answerTo('create web-golden 12344697 50:CB2 12344698:30:FB1')
    const text = shownBySlack(summary)
    for (const part of [
      'Create image web-golden?',
      'Size\n90 GB',
      '✓ Base storage: from snapshot 12344697, 10 GB',
      '✓ Storage 1: new and empty, 50 GB CB2',
      '✓ Storage 2: from snapshot 12344698, 30 GB FB1',
      '✓ The name web-golden is free.',
    ]) {
      expect(text).toContain(part)
    }
    expect(await chat.operations()).toEqual([])
    const button = buttonIn(summary)
    expect(button).toMatchObject({ style: 'primary', confirm: { confirm: { text: 'Create' } } })
    await click(button)
    expect(chat.said).toMatchObject([{ body: { replace_original: true } }])
    expect(shownBySlack(chat.said[0]?.body)).toContain('web-golden is requested')
    await chat.relay.tick()
    const [operation] = await chat.operations()
    expect(operation).toMatchObject({ state: 'applied', caller: `slack:${people.slack.maker}` })
    expect(operation?.result?.storages).toMatchObject([
      { snapshotNo: '12344697', sizeGb: 10 },
      { snapshotNo: null, sizeGb: 50, volumeType: 'CB2' },
      { snapshotNo: '12344698', sizeGb: 30, volumeType: 'FB1' },
    ])
    await chat.relay.tick()
    expect(chat.said).toHaveLength(2)
    expect(chat.said[1]).toMatchObject({
      path: new URL(SLACK_ADDRESS).pathname,
      body: { response_type: 'in_channel' },
    })
    expect(shownBySlack(chat.said[1]?.body)).toContain('web-golden is ready')
  })

  test.each([
    ['12344699', 'Snapshot 12344699 cannot be used now: it is being created.'],
    ['12344700', 'Snapshot 12344700 is from a XEN server. Only snapshots from KVM servers can'],
    ['12344698', 'Snapshot 12344698 is not bootable, so it cannot be the base storage.'],
    ['99999999', 'Snapshot 99999999 does not exist in region KR.'],
    [
      '12344697 12344698:10:CB1',
      'Snapshot 12344698 has 20 GB and does not fit a storage of 10 GB.',
    ],
  ])(
    'from %s is not offered, and the answer has the reason and the next step',
    async (storages, why) => {
      const summary = await answerTo(`create web-golden ${storages}`)
      expect(shownBySlack(summary)).toContain('web-golden cannot be created')
      expect(shownBySlack(summary)).toContain(`✗ ${why}`)
      expect(shownBySlack(summary)).toContain('/ncp snapshots <storage>')
      expect(() => buttonIn(summary)).toThrow()
    },
  )

  test('with a name in use is not offered', async () => {
    const { no } = chat.relay.gateway.images.add({ name: 'web-golden' })
    const summary = await answerTo('create web-golden 12344697')
    expect(shownBySlack(summary)).toMatch(
      new RegExp(`✗ The name web-golden is in use by image ${no} \\(ready since .* UTC\\+9\\)\\.`),
    )
    expect(() => buttonIn(summary)).toThrow()
  })

  test('is offered without checks when the gateway fails', async () => {
    chat.relay.gateway.inject({ fault: 'html-502', times: 20 })
    const summary = await answerTo('create web-golden 12344697')
    expect(shownBySlack(summary)).toContain('snapshots and name could not be checked')
    expect(shownBySlack(summary)).toContain('? Base storage: from snapshot 12344697')
    await click(buttonIn(summary))
    expect(await chat.operations()).toHaveLength(1)
  })

  test('is not offered when the relay lacks a permission, and the answer has the reason', async () => {
    chat.relay.gateway.inject({ fault: 'forbidden', times: 20 })
    const summary = await answerTo('create web-golden 12344697')
    expect(shownBySlack(summary)).toContain('may not call')
    expect(() => buttonIn(summary)).toThrow()
  })

  test('is made once when the button is clicked and delivered several times', async () => {
    const button = buttonIn(await answerTo('create web-golden 12344697'))
    const first = slackClick(button)
    const clicks = [first, first, slackClick(button), slackClick(button), first]
    await Promise.all(clicks.map(chat.ask))
    // Slack marks repeated events with this header.
    const repeated = { ...first, headers: { ...first.headers, 'x-slack-retry-num': '1' } }
    await chat.ask(repeated)
    await chat.relay.tick()
    await chat.ask(first)
    expect(await chat.operations()).toHaveLength(1)
    expect(chat.relay.gateway.received.filter(({ method }) => method === 'POST')).toHaveLength(1)
    // One answer for each click, and the announcement of the end.
    expect(chat.said).toHaveLength(4)
  })

  test('is refused with the reason when another operation has the same name', async () => {
    const buttons = [
      buttonIn(await answerTo('create web-golden 12344697')),
      buttonIn(await answerTo('create web-golden 12344697')),
    ]
    expect(buttons[0]?.value).not.toBe(buttons[1]?.value)
    for (const button of buttons) await click(button)
    expect(await chat.operations()).toHaveLength(1)
    expect(shownBySlack(chat.said[1]?.body)).toMatch(
      /^The name web-golden is in use by request op_[0-9a-f]{32} \(waiting to be sent since/,
    )
  })

  test('needs permission at the command and at the click', async () => {
    const { other } = people.slack
    // The person cannot change settings, so the answer says whom to ask.
    const forbidden = `Ask the operator of the relay to add ${other}.`
    const refused = await answerTo('create web-golden 12344697', { person: other })
    expect(shownBySlack(refused)).toContain(forbidden)
    expect(() => buttonIn(refused)).toThrow()
    await click(buttonIn(await answerTo('create web-golden 12344697')), { person: other })
    expect(shownBySlack(chat.said[0]?.body)).toContain(forbidden)
    expect(await chat.operations()).toEqual([])
  })

  test('can be confirmed only within ten minutes', async () => {
    const button = buttonIn(await answerTo('create web-golden 12344697'))
    ahead = 10 * MINUTE + SECOND
    await click(button)
    const text = blocksOf(chat.said[0]?.body)
    expect(text).toBe(
      'This confirmation is more than 10 minutes old. Send the command again: /ncp create web-golden 12344697',
    )
    expect(await chat.operations()).toEqual([])
    ahead = 10 * MINUTE - 5 * SECOND
    await click(button)
    expect(await chat.operations()).toHaveLength(1)
  })

  test('counts toward the daily limit of a person', async () => {
    await chat.close()
    chat = await openChatRelay({ environment: { CHAT_DAILY_CREATIONS: '1' } })
    const early = buttonIn(await answerTo('create web-two 12344697'))
    await make('web-one')
    const sentence =
      'The daily limit of 1 image is reached. You can create again after 00:00 UTC (09:00 in Korea and Japan).'
    // The limit is checked before a button is offered, and again when an earlier button is clicked.
    expect(await shown('create web-two 12344697')).toBe(sentence)
    await click(early)
    expect(blocksOf(chat.said[1]?.body)).toBe(sentence)
    expect(await chat.operations()).toHaveLength(1)
    ahead = 24 * 60 * MINUTE
    expect(await shown('create web-two 12344697')).toContain('Create image web-two?')
  })

  test('is not made by the click of another person, who gets a new confirmation', async () => {
    const second = 'T0RELAY:U0SECOND'
    const CHAT_CREATORS = JSON.stringify({ slack: [people.slack.maker, second] })
    await chat.close()
    chat = await openChatRelay({ environment: { CHAT_CREATORS } })
    await click(buttonIn(await answerTo('create web-golden 12344697')), { person: second })
    expect(await chat.operations()).toEqual([])
    await click(buttonIn(chat.said[0]?.body), { person: second })
    expect(await chat.operations()).toMatchObject([{ caller: `slack:${second}` }])
  })

  test('that has ended shows its result when its button is clicked again', async () => {
    const button = buttonIn(await answerTo('create web-golden 12344697'))
    await click(button)
    await chat.relay.tick()
    await click(button)
    expect(shownBySlack(chat.said.at(-1)?.body)).toContain('web-golden is ready')
    const refused = buttonIn(await answerTo('create web-refused 12344697'))
    chat.relay.gateway.images.add({ name: 'web-refused' })
    await click(refused)
    await chat.relay.tick()
    await click(refused)
    expect(shownBySlack(chat.said.at(-1)?.body)).toContain('web-refused was not created')
  })

  test('is not offered without a store', async () => {
    await chat.close()
    chat = await openChatRelay({ store: false })
    const summary = await answerTo('create web-golden 12344697')
    expect(blocksOf(summary)).toBe(
      'The relay is not set up for this. Ask the operator of the relay.',
    )
    expect(() => buttonIn(summary)).toThrow()
    expect(await shown('status 12341457')).toContain('test-kvm is ready')
  })

  test('is not made by a button with an unknown value', async () => {
    for (const value of ['', 'create web-golden 12344697', `${'0'.repeat(32)} zz`]) {
      await click({ action_id: 'confirm', value })
    }
    expect(await chat.operations()).toEqual([])
  })
})

describe('a run of a job', () => {
  const job = (name: string) => ({
    name: 'nightly-web',
    cron: '0 3 1 1 *',
    timeZone: 'Asia/Seoul',
    image: { name, storages: [{ snapshotNo: '12344697' }] },
  })

  beforeEach(async () => {
    await chat.close()
    chat = await openChatRelay({
      environment: { RELAY_JOBS: JSON.stringify([job('web-{yyMMdd}-{HHmm}')]) },
    })
  })

  test('is confirmed and announced like other operations, and belongs to the person', async () => {
    expect(await shown('jobs')).toMatch(/nightly-web: next run \d{4}-01-01 03:00, no run yet$/)
    const summary = await answerTo('run nightly-web')
    expect(shownBySlack(summary)).toMatch(
      /Run job nightly-web now\?\nThis run creates the image web-\d{6}-\d{4}\./,
    )
    const button = buttonIn(summary)
    await click(button)
    ahead = 2 * MINUTE
    await click(button)
    const [operation, ...more] = await chat.operations()
    expect(operation).toMatchObject({
      caller: `slack:${people.slack.maker}`,
      run: { job: 'nightly-web' },
    })
    expect(more).toEqual([])
    await chat.relay.tick()
    expect(shownBySlack(chat.said.at(-1)?.body)).toMatch(/web-\d{6}-\d{4} is ready/)
  })

  test('is not in the list of a person’s own operations if the schedule made it', async () => {
    const scheduledAt = '2026-11-22T03:30:00+09:00'
    await chat.relay.run({ job: 'nightly-web', scheduledAt })
    expect(await chat.operations()).toHaveLength(1)
    expect(await shown('recent')).toBe('You have not requested any images yet.')
  })

  test('is announced once in a room that its job also notifies', async () => {
    const notify = { ...job('web-{yyMMdd}-{HHmm}'), notify: ['ops'] }
    const first = chat
    chat = await openChatRelay({
      environment: {
        RELAY_JOBS: JSON.stringify([notify]),
        RELAY_NOTIFY: JSON.stringify({ ops: { format: 'slack', url: `${first.hooks}/room` } }),
      },
    })
    await click(buttonIn(await answerTo('run nightly-web')))
    chat.answers.push({ status: 404 })
    for (let i = 0; i < 3; i++) await chat.relay.tick()
    expect(first.said.map(({ path }) => path)).toEqual(['/room'])
    await first.close()
  })

  test('needs permission', async () => {
    const refused = await answerTo('run nightly-web', { person: people.slack.other })
    expect(shownBySlack(refused)).toContain('You are not allowed to create images.')
  })

  test('needs an existing job whose image names contain the minute', async () => {
    expect(await shown('run nothing')).toBe('There is no job nothing. The jobs are: nightly-web.')
    await chat.close()
    chat = await openChatRelay({
      environment: { RELAY_JOBS: JSON.stringify([job('web-{yyMMdd}')]) },
    })
    expect(await shown('run nightly-web')).toContain('{HHmm}')
  })
})

describe('the end of an operation', () => {
  const target = (url: string) => ({
    RELAY_NOTIFY: JSON.stringify({
      first: { format: 'works', url: `${url}/first` },
      ops: { format: 'slack', url: `${url}/room` },
      later: { format: 'slack', url: `${url}/later` },
    }),
  })

  async function withRoom() {
    const { hooks } = chat
    const room = await openChatRelay({ environment: target(hooks) })
    return room
  }

  test('goes to the room’s webhook when the reply address has expired', async () => {
    const first = chat
    chat = await withRoom()
    await make('web-late')
    ahead = 31 * MINUTE
    await chat.relay.tick()
    await chat.relay.tick()
    expect(chat.said).toHaveLength(1)
    expect(first.said).toMatchObject([{ path: '/room', body: { text: 'web-late is ready' } }])
    await first.close()
  })

  test.each([
    { status: 404, body: 'expired_url' },
    { status: 410 },
    { status: 200, body: '{"ok":false,"error":"used_url"}' },
  ])('goes to the room’s webhook when the reply address answers %j', async (answer) => {
    const first = chat
    chat = await withRoom()
    await make('web-late')
    chat.answers.push(answer)
    await chat.relay.tick()
    await chat.relay.tick()
    expect(first.said).toMatchObject([{ path: '/room', body: { text: 'web-late is ready' } }])
    await first.close()
  })

  test('is retried when the reply address fails, and delivered once', async () => {
    await make('web-late')
    chat.answers.push({ status: 500 }, { status: 429, headers: { 'retry-after': '120' } })
    await chat.relay.tick()
    expect(chat.said).toHaveLength(1)
    ahead = 40 * SECOND
    await chat.relay.tick()
    ahead = 100 * SECOND
    await chat.relay.tick()
    expect(chat.said).toHaveLength(1)
    ahead = 6 * MINUTE
    for (let i = 0; i < 3; i++) await chat.relay.tick()
    expect(chat.said).toHaveLength(2)
    expect(shownBySlack(chat.said[1]?.body)).toContain('web-late is ready')
  })

  test('has advice when the operation failed', async () => {
    const doomed = chat.relay.gateway.snapshots.add({ name: 'doomed', doomed: true })
    await click(buttonIn(await answerTo(`create web-doomed ${doomed.no}`)))
    await chat.relay.tick()
    ahead = MINUTE
    await chat.relay.tick()
    expect(shownBySlack(chat.said.at(-1)?.body)).toMatch(
      /web-doomed failed\nNAVER Cloud could not create this image/,
    )
  })

  test('is posted only to addresses of Slack', async () => {
    const addresses = [
      'https://hooks.slack.com.example.com/x',
      'http://hooks.slack.com/x',
      'https://example.com/hooks.slack.com',
      'https://user@hooks.slack.com:8443/x',
      'nonsense',
    ]
    const origins: string[] = []
    await chat.close()
    chat = await openChatRelay({
      transport: async ({ url }) => {
        origins.push(url.origin)
        throw new Error('nowhere')
      },
    })
    for (const address of addresses) {
      await click({ action_id: 'refresh', value: 'help' }, { address })
    }
    expect(origins).toEqual([])
    await click({ action_id: 'refresh', value: 'help' })
    expect(origins).toHaveLength(1)
  })
})

test('Refresh replaces a message with the present state of the image', async () => {
  await chat.close()
  chat = await openChatRelay({ gateway: { readyAfterMs: 60_000, now: () => Date.now() } })
  await make('web-slow')
  await chat.relay.tick()
  const answer = await answerTo('status web-slow')
  expect(shownBySlack(answer)).toContain('web-slow is being created')
  ahead = 61 * SECOND
  await click(buttonIn(answer))
  expect(chat.said.at(-1)).toMatchObject({ body: { replace_original: true } })
  expect(shownBySlack(chat.said.at(-1)?.body)).toContain('web-slow is ready')
})

test('an operation that is not sent yet is shown by name and by id', async () => {
  await make('web-asked')
  const text = await shown('status web-asked')
  expect(text).toContain('web-asked: waiting to be sent')
  const [id = ''] = /op_[0-9a-f]{32}/.exec(text) ?? []
  expect(await shown(`status ${id}`)).toBe(text)
  for (const asked of ['web-asked', id]) {
    const answer = await answerTo(`status ${asked}`, { person: people.slack.other })
    expect(shownBySlack(answer)).toMatch(/^There is no (image|request)/)
  }
})

test('the person of a click is read with the team in either place of the payload', async () => {
  const button = buttonIn(await answerTo('create web-golden 12344697'))
  const [id = '', user = ''] = people.slack.maker.split(':')
  for (const named of [
    { team: { id }, user: { id: user } },
    { team: null, user: { id: user, team_id: id } },
  ]) {
    const payload = {
      type: 'block_actions',
      ...named,
      response_url: SLACK_ADDRESS,
      actions: [button],
    }
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
    expect((await chat.ask(bySlack('/chat/slack/interactions', body, Date.now()))).status).toBe(200)
  }
  expect(chat.said).toHaveLength(2)
  for (const { body } of chat.said) expect(shownBySlack(body)).toContain('is requested')
})

describe('the sender', () => {
  const vector = JSON.parse(chatFixture('slack-command.json'))

  test('is verified with the example that Slack publishes', async () => {
    vi.spyOn(Date, 'now').mockImplementation(() => Number(vector.timestamp) * SECOND)
    await chat.close()
    chat = await openChatRelay({ environment: { SLACK_SIGNING_SECRET: vector.secret } })
    const { body, timestamp, signature } = vector
    const path = '/chat/slack/commands'
    const asked = (at: string) => ({
      path,
      method: 'POST',
      as: '',
      body,
      headers: { 'x-slack-request-timestamp': at, 'x-slack-signature': signature },
    })
    expect((await chat.ask(asked(timestamp))).status).toBe(200)
    expect((await chat.ask(asked(String(Number(timestamp) + 1)))).status).toBe(401)
  })

  test.each([-301, -300, 300, 301])(
    'is accepted only within 300 s of the relay’s clock: %i s',
    async (seconds) => {
      vi.spyOn(Date, 'now').mockImplementation(() => 1_800_000_000_000)
      const at = 1_800_000_000_000 + seconds * SECOND
      const { status } = await chat.ask(slackCommand('help', { at }))
      expect(status).toBe(Math.abs(seconds) === 300 ? 200 : 401)
    },
  )

  test('is verified with either secret during a rotation', async () => {
    await chat.close()
    chat = await openChatRelay({
      environment: { SLACK_SIGNING_SECRET: `${chatSecrets.slack}, another-secret` },
    })
    const { body } = slackCommand('help')
    for (const [secret, status] of [
      [chatSecrets.slack, 200],
      ['another-secret', 200],
      ['a-third', 401],
    ] as const) {
      const asked = bySlack('/chat/slack/commands', body, Date.now(), secret)
      expect((await chat.ask(asked)).status).toBe(status)
    }
  })

  test('is not verified for a probe of Slack, which has no effect', async () => {
    const asked = { ...slackCommand('help'), body: 'ssl_check=1&token=x', headers: {} }
    const { status, text } = await chat.ask(asked)
    expect([status, text]).toEqual([200, ''])
  })

  test('is refused with 401 without a signature', async () => {
    const { status, json } = await chat.ask({ ...slackCommand('help'), headers: {} })
    expect([status, json.code]).toEqual([401, 'unauthenticated'])
  })
})

test('accepts the payload that Slack publishes as an example', async () => {
  const payload = chatFixture('slack-block-actions.json')
  const body = new URLSearchParams({ payload }).toString()
  expect((await chat.ask(bySlack('/chat/slack/interactions', body, Date.now()))).status).toBe(200)
})

test('the routes of a chat without its secret give 404', async () => {
  await chat.close()
  chat = await openChatRelay({ environment: { SLACK_SIGNING_SECRET: '' } })
  const { status, json } = await chat.ask(slackCommand('help'))
  expect([status, json.code]).toEqual([404, 'not-found'])
})

test('a route of a chat accepts only POST', async () => {
  const { status, headers } = await chat.relay.request('/chat/slack/commands')
  expect([status, headers.get('allow')]).toEqual([405, 'POST'])
})

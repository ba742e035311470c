import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { leakSearch } from '../support/canaries.ts'
import { openDoor } from '../support/doors.ts'
import {
  environmentFor,
  openRelay,
  type Relay,
  type RelayOptions,
  smallest,
} from '../support/relay.ts'
import { until } from '../support/until.ts'

const SECOND = 1_000
const DAY = 86_400
/** Seconds between the attempts of a notification, as documented. */
const GAPS = [30, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, DAY]
/** Statuses after which the relay does not retry. */
const REFUSALS = [301, 302, 307, 308, 400, 401, 404, 410, 422]

const PATH = '/hooks/CANARYpath3Gh2Jk1Lm'
const SECRET = `whsec_${Buffer.from('CANARYsigning8Ab7Cd6Ef5Gh4Ij').toString('base64')}`
const NAME = 'outbox-canary'

/** Finds a target's address, the signing secret and the content of notifications, which no log may contain. */
const leaksIn = leakSearch({ path: PATH, secret: SECRET, name: NAME, title: 'is ready' })

type Answer = (response: ServerResponse) => unknown

/** The body of a notification. */
interface Notification {
  type: string
  data: { operationId: string }
}

/** The server of a target. */
interface Receiver {
  url: string
  requests: { method: string; path: string; id: string; body: string; notification: Notification }[]
  answer: Answer
  start(): Promise<void>
  stop(): void
}

/** Milliseconds by which this process's clock runs ahead, for the relay, the gateway and the receiver. */
let ahead = 0
const { now } = Date

beforeEach(() => {
  ahead = 0
  vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead)
})

/** Ticks once after each of these numbers of seconds. */
async function tickAfter(relay: Relay, ...gaps: number[]) {
  for (const seconds of gaps) {
    ahead += seconds * SECOND
    await relay.tick()
  }
}

function answering(status: number, headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(status, headers).end()
}

const hang: Answer = () => {}
const reset: Answer = (response) => response.socket?.resetAndDestroy()

async function openReceiver(answer = answering(204)): Promise<Receiver> {
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const headers = request.headers as Record<string, string>
    const { method = '', url: path = '' } = request
    const id = headers['webhook-id'] ?? ''
    receiver.requests.push({ method, path, id, body, notification: verified(body, headers) })
    receiver.answer(response)
  })
  let port = 0
  const receiver: Receiver = {
    url: '',
    requests: [],
    answer,
    async start() {
      await once(server.listen(port, '127.0.0.1'), 'listening')
      port = (server.address() as AddressInfo).port
      receiver.url = `http://127.0.0.1:${port}${PATH}`
    },
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
  await receiver.start()
  onTestFinished(receiver.stop)
  return receiver
}

/** Returns a body whose signature is valid and recent; otherwise the error as its type. */
function verified(body: string, headers: Record<string, string>): Notification {
  try {
    return new Webhook(SECRET).verify(body, headers) as Notification
  } catch (error) {
    return { type: String(error), data: { operationId: '' } }
  }
}

function targetsOf(receivers: Record<string, Receiver>) {
  const target = ({ url }: Receiver) => ({ format: 'standard-webhooks', url, secret: SECRET })
  const targets = Object.entries(receivers).map(([name, receiver]) => [name, target(receiver)])
  return { RELAY_NOTIFY: JSON.stringify(Object.fromEntries(targets)) }
}

/** Opens a relay whose images are ready at once, and checks its log for leaks at the end. */
async function relayTo(receivers: Record<string, Receiver>, options: RelayOptions = {}) {
  const gateway = { now: () => Date.now() }
  const relay = await openRelay({ gateway, environment: targetsOf(receivers), ...options })
  onTestFinished(async () => {
    await relay.close()
    expect(leaksIn(JSON.stringify(relay.log))).toEqual([])
  })
  return relay
}

let names = 0
async function create(relay: Relay, notify = ['ops']): Promise<string> {
  const { json } = await relay.create({ ...smallest, name: `${NAME}-${++names}`, notify })
  return json.operationId
}

/** Returns the attempts in the log. */
function attemptsIn({ log }: Relay) {
  return log
    .filter(({ event }) => event === 'notification')
    .map(({ target, attempt, state, status, reason }) => [target, attempt, state, status ?? reason])
}

/** Expects a number of requests about one operation, all with the same id. */
function expectRequests({ requests }: Receiver, operationId: string, times: number) {
  const came = requests.map(({ method, path, notification: { type, data } }) => [
    method,
    path,
    type,
    data,
  ])
  const data = expect.objectContaining({ operationId })
  expect(came).toEqual(Array(times).fill(['POST', PATH, 'operation.ready', data]))
  expect(new Set(requests.map(({ id }) => id)).size).toBe(1)
  expect(requests[0]?.id).toMatch(/^[\w-]+$/)
}

test.each<[string, Answer, number | string]>([
  ['answers 500', answering(500), 500],
  ['answers 503', answering(503), 503],
  ['answers 408', answering(408), 408],
  ['answers 425', answering(425), 425],
  ['answers 429', answering(429), 429],
  ['resets the connection', reset, 'ECONNRESET'],
  ['is too slow', hang, 'TimeoutError'],
])('a target that %s gets one retry with the same id', async (_, answer, outcome) => {
  const receiver = await openReceiver(answer)
  const relay = await relayTo({ ops: receiver })
  const operationId = await create(relay)
  await relay.tick()
  expectRequests(receiver, operationId, 1)
  receiver.answer = answering(204)
  await tickAfter(relay, 30, 300, DAY)
  expectRequests(receiver, operationId, 2)
  expect(attemptsIn(relay)).toEqual([
    ['ops', 1, 'pending', outcome],
    ['ops', 2, 'delivered', 204],
  ])
})

test('a target that was unreachable is notified when it is back', async () => {
  const receiver = await openReceiver()
  const relay = await relayTo({ ops: receiver })
  const operationId = await create(relay)
  receiver.stop()
  await relay.tick()
  await receiver.start()
  await tickAfter(relay, 30)
  expectRequests(receiver, operationId, 1)
  expect(attemptsIn(relay)).toEqual([
    ['ops', 1, 'pending', 'ECONNREFUSED'],
    ['ops', 2, 'delivered', 204],
  ])
})

test.each(REFUSALS)(
  'a target that answers %i gets no retry, and its Location is not followed',
  async (status) => {
    const elsewhere = await openReceiver()
    const receiver = await openReceiver(answering(status, { location: elsewhere.url }))
    const relay = await relayTo({ ops: receiver })
    const operationId = await create(relay)
    await tickAfter(relay, 0, ...GAPS)
    expectRequests(receiver, operationId, 1)
    expect(elsewhere.requests).toEqual([])
    expect(attemptsIn(relay)).toEqual([['ops', 1, 'refused', status]])
  },
)

test.each([
  [429, '120', 120],
  [503, '120', 120],
  [429, '7200', 3_600],
  [429, '1', 30],
])('a reply of %i with Retry-After %s delays the retry by %i s', async (status, after, seconds) => {
  const receiver = await openReceiver(answering(status, { 'retry-after': after }))
  const relay = await relayTo({ ops: receiver })
  const operationId = await create(relay)
  await relay.tick()
  receiver.answer = answering(204)
  await tickAfter(relay, seconds - 1)
  expectRequests(receiver, operationId, 1)
  await tickAfter(relay, 1)
  expectRequests(receiver, operationId, 2)
})

test('a notification is retried at the documented intervals and then given up', async () => {
  const receiver = await openReceiver(answering(500))
  const relay = await relayTo({ ops: receiver })
  const operationId = await create(relay)
  await relay.tick()
  for (const [i, gap] of GAPS.entries()) {
    await tickAfter(relay, gap - 1)
    expectRequests(receiver, operationId, i + 1)
    await tickAfter(relay, 1)
    expectRequests(receiver, operationId, i + 2)
  }
  await tickAfter(relay, ...Array(10).fill(DAY))
  expectRequests(receiver, operationId, 10)
  expect(new Set(receiver.requests.map(({ body }) => body)).size).toBe(1)
  expect(attemptsIn(relay)).toEqual([
    ...GAPS.map((_, i) => ['ops', i + 1, 'pending', 500]),
    ['ops', 10, 'given_up', 500],
  ])
})

test('a notification of a server killed during its delivery is retried by the next server with the same id', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'outbox-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = join(folder, 'relay.sqlite')
  const receiver = await openReceiver()
  const relay = await relayTo({ ops: receiver }, { database })
  const operationId = await create(relay)

  async function open(seconds: number) {
    const environment = environmentFor(relay.gateway.origin, {
      ...targetsOf({ ops: receiver }),
      RELAY_DATABASE: database,
      NODE_OPTIONS: `--import=${new URL('../support/clock-ahead.ts', import.meta.url)}`,
      CLOCK_AHEAD_MS: seconds * SECOND,
    })
    const door = await openDoor('node, built', environment)
    onTestFinished(() => {
      door.process.kill('SIGKILL')
    })
    return door
  }

  const first = open(0)
  receiver.answer = async () => (await first).process.kill('SIGKILL')
  const killed = await first
  await until(() => killed.process.killed)
  await killed.close()
  expect(killed.process.signalCode).toBe('SIGKILL')
  expect(killed.output()).not.toContain('"event":"notification"')
  receiver.answer = answering(204)
  await relay.tick()
  expectRequests(receiver, operationId, 1)

  const next = await open(31)
  await until(() => next.output().includes('"event":"tick"'))
  await next.close()
  expect(next.output()).toMatch(/"state":"delivered","attempt":2,/)
  await tickAfter(relay, 31, ...GAPS)
  expectRequests(receiver, operationId, 2)
  expect(leaksIn(killed.output() + next.output())).toEqual([])
})

/** Makes an operation that will be in conflict, and returns a function that resolves it. */
async function conflicting(relay: Relay) {
  relay.gateway.inject({
    fault: 'reset-before',
    action: 'createServerImageFromSnapshot',
    applied: true,
  })
  const operationId = await create(relay)
  const image = relay.gateway.images.all().at(-1)
  if (!image) throw new Error('No image was made')
  const { no: _, ...copied } = image
  const { no } = relay.gateway.images.add(copied)
  const asked = { method: 'POST', as: 'admin', body: { imageNo: no } }
  const resolve = () => relay.request(`/v1/operations/${operationId}/resolution`, asked)
  return { operationId, resolve }
}

test('notifications about one operation arrive in order', async () => {
  const receiver = await openReceiver(answering(500))
  const relay = await relayTo({ ops: receiver })
  const { resolve } = await conflicting(relay)
  await tickAfter(relay, 640)
  await resolve()
  const types = () => receiver.requests.map(({ notification }) => notification.type)
  await relay.tick()
  expect(types()).toEqual(['operation.conflict'])
  await tickAfter(relay, 30)
  expect(types()).toEqual(['operation.conflict', 'operation.conflict'])

  receiver.answer = answering(204)
  await tickAfter(relay, 299)
  expect(types()).toHaveLength(2)
  await tickAfter(relay, 1)
  expect(types().slice(2)).toEqual(['operation.conflict', 'operation.ready'])
  const ids = receiver.requests.map(({ id }) => id)
  expect(ids.slice(0, 2)).toEqual([ids[2], ids[2]])
  expect(ids[3]).not.toBe(ids[2])
})

test('notifications that wait for an earlier one block neither that one nor new ones', async () => {
  const receiver = await openReceiver(answering(503, { 'retry-after': '3600' }))
  const relay = await relayTo({ ops: receiver })
  const all = []
  for (let i = 0; i < 25; i++) all.push(await conflicting(relay))
  await tickAfter(relay, 640, ...Array(25).fill(1))
  expect(receiver.requests.length).toBeGreaterThanOrEqual(25)
  for (const { resolve } of all) await resolve()
  receiver.answer = answering(204)
  receiver.requests.length = 0
  const fresh = await create(relay)
  await tickAfter(relay, ...Array(10).fill(DAY / 2))
  for (const { operationId } of all) {
    const about = receiver.requests.filter(
      ({ notification }) => notification.data.operationId === operationId,
    )
    expect(about.map(({ notification }) => notification.type)).toEqual([
      'operation.conflict',
      'operation.ready',
    ])
  }
  expect(
    receiver.requests.filter(({ notification }) => notification.data.operationId === fresh),
  ).toHaveLength(1)
})

test.each<[string, (receiver: Receiver) => void]>([
  ['hangs', () => {}],
  ['refuses connections', (receiver) => receiver.stop()],
])(
  'a target that %s does not delay other targets, even with many due notifications',
  async (_, die) => {
    const [dead, live] = [await openReceiver(hang), await openReceiver()]
    const relay = await relayTo({ dead, live })
    for (let i = 0; i < 30; i++) await create(relay, ['dead'])
    const operationId = await create(relay, ['dead', 'live'])
    die(dead)
    const ticked = relay.tick()
    await until(() => live.requests.length > 0)
    dead.stop()
    await ticked
    expectRequests(live, operationId, 1)
    // Each attempt may take 10 s, and a tick one minute.
    const attempts = attemptsIn(relay).filter(([target]) => target === 'dead')
    expect(attempts.length).toBeLessThanOrEqual(2)
  },
)

test('a target that hangs does not delay another with many due notifications', async () => {
  const [dead, live] = [await openReceiver(hang), await openReceiver()]
  const relay = await relayTo({ dead, live })
  await create(relay, ['dead'])
  for (let i = 0; i < 25; i++) await create(relay, ['live'])
  const ticked = relay.tick()
  await until(() => live.requests.length === 25)
  expect(attemptsIn(relay).filter(([target]) => target === 'dead')).toEqual([])
  dead.stop()
  await ticked
})

test('due notifications do not wait for a gateway that hangs', async () => {
  const receiver = await openReceiver()
  const relay = await relayTo({ ops: receiver })
  await create(relay)
  const { gateway } = relay
  gateway.inject({ fault: 'throttled', action: 'createServerImageFromSnapshot' })
  await create(relay, [])
  ahead = 31 * SECOND
  gateway.inject({ fault: 'hang', action: 'createServerImageFromSnapshot' })
  let isAttemptOver = false
  const ticked = relay.tick().then(() => {
    isAttemptOver = true
  })
  await until(() => receiver.requests.length === 1)
  expect(isAttemptOver).toBe(false)
  await gateway.close()
  await ticked
})

test('an image that never becomes final is announced once, even if it is read again', async () => {
  const receiver = await openReceiver()
  const options = { gateway: { now: () => Date.now(), readyAfterMs: 3 * DAY * SECOND } }
  const relay = await relayTo({ ops: receiver }, options)
  const operationId = await create(relay)
  await tickAfter(relay, ...Array(30).fill(3_600))
  for (let i = 0; i < 3; i++) {
    await relay.request(`/v1/operations/${operationId}`)
    await tickAfter(relay, 60)
  }
  const types = () => receiver.requests.map(({ notification }) => notification.type)
  expect(types()).toEqual(['operation.stalled'])
  const { json } = await relay.request(`/v1/operations/${operationId}`)
  expect([json.status, json.final, json.stalled]).toEqual(['pending', false, true])
  // A read two days later finds the image ready, which is a new event.
  await tickAfter(relay, 2 * DAY)
  await relay.request(`/v1/operations/${operationId}`)
  await tickAfter(relay, 60)
  expect(types()).toEqual(['operation.stalled', 'operation.ready'])
})

// Field report A11.
test('an outcome that stays unknown is announced once after an hour, and its result later', async () => {
  const receiver = await openReceiver()
  const relay = await relayTo({ ops: receiver })
  relay.gateway.inject({
    fault: 'reset-before',
    action: 'createServerImageFromSnapshot',
    applied: true,
  })
  const operationId = await create(relay)
  relay.gateway.inject({ fault: 'permission', action: 'getServerImageList', times: 200 })
  await tickAfter(relay, ...Array(59).fill(60))
  expect(receiver.requests).toEqual([])
  await tickAfter(relay, ...Array(30).fill(60))
  const types = () => receiver.requests.map(({ notification }) => notification.type)
  expect(types()).toEqual(['operation.unknown'])
  expect(receiver.requests[0]?.notification.data.operationId).toBe(operationId)
  const { json } = await relay.request(`/v1/operations/${operationId}`)
  expect([json.status, json.final]).toEqual(['unknown', false])

  relay.gateway.pending.length = 0
  await tickAfter(relay, 60, 60)
  expect(types()).toEqual(['operation.unknown', 'operation.ready'])
})

test('a tick starts no delivery when too little time is left', async () => {
  const receiver = await openReceiver()
  const relay = await relayTo({ ops: receiver })
  await create(relay)
  await relay.tick({ deadline: Date.now() + 9 * SECOND })
  expect(receiver.requests).toEqual([])
  await relay.tick({ deadline: Date.now() + 11 * SECOND })
  expect(receiver.requests).toHaveLength(1)
})

test('a tick delivers as many notifications to a target as are due', async () => {
  const receiver = await openReceiver()
  const relay = await relayTo({ ops: receiver })
  for (let i = 0; i < 90; i++) await create(relay)
  await relay.tick()
  expect(receiver.requests).toHaveLength(90)
})

test('two concurrent ticks deliver each notification once', async () => {
  const receiver = await openReceiver()
  const relay = await relayTo({ ops: receiver })
  const operationIds: string[] = []
  for (let i = 0; i < 20; i++) operationIds.push(await create(relay))
  await Promise.all([relay.tick(), relay.tick()])
  const notified = receiver.requests.map(({ notification }) => notification.data.operationId)
  expect(notified.sort()).toEqual(operationIds.sort())
  expect(attemptsIn(relay)).toEqual(Array(20).fill(['ops', 1, 'delivered', 204]))
})

test('the log has the target and the result of each attempt, and no secrets or content', async () => {
  const receiver = await openReceiver()
  const { url } = receiver
  const targets = {
    slack: { format: 'slack', url },
    works: { format: 'works', url },
    teams: { format: 'teams', url },
    hooks: { format: 'standard-webhooks', url, secret: SECRET },
  }
  const environment = { RELAY_NOTIFY: JSON.stringify(targets) }
  const relay = await relayTo({}, { environment })
  const operationId = await create(relay, Object.keys(targets))
  const { imageNo } = (await relay.request(`/v1/operations/${operationId}`)).json.image
  await relay.tick()
  const attempts = relay.log.filter(({ event }) => event === 'notification')
  const milliseconds = expect.any(Number)
  const rest = { operationId, imageNo, state: 'delivered', attempt: 1, milliseconds, status: 204 }
  expect(attempts).toHaveLength(4)
  for (const target of Object.keys(targets)) {
    expect(attempts).toContainEqual({ event: 'notification', target, ...rest })
  }
  const bodies = receiver.requests.map(({ body }) => body)
  const given = JSON.stringify([targets, bodies])
  expect(leaksIn(given)).toEqual(['path', 'secret', 'name', 'title'])
  expect(leaksIn(JSON.stringify(relay.log))).toEqual([])
})

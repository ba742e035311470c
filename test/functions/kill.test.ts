import { mkdtemp, rm } from 'node:fs/promises'
import net, { type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pipeline } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import type { Operation } from '../../shared/operations/operation.ts'
import { type Gateway, type Injection, openGateway, type Received } from '../gateway/gateway.ts'
import { secrets } from '../support/canaries.ts'
import { isCampaign } from '../support/counts.ts'
import { openDoor, type ProcessDoor } from '../support/doors.ts'
import { type Answered, environmentFor, smallest } from '../support/relay.ts'
import { until } from '../support/until.ts'

const SECOND = 1_000
const CREATES = isCampaign ? 50 : 12
/** The number of operations that a tick moves at the same time. */
const AT_ONCE = 6

const create = 'createServerImageFromSnapshot'
const list = 'getServerImageList'
const detail = 'getServerImageDetail'
const phases: Record<string, string> = { INIT: 'pending', CREAT: 'ready' }
const bodies = Array.from({ length: CREATES }, (_, i) => ({ ...smallest, name: `kill-${i}` }))
const names = bodies.map(({ name }) => name).sort()

/** Servers on one database file, one after the other. The first gets the creates; the others tick. The last is not killed. */
interface Step {
  /** The servers that are killed. */
  lives: Life[]
  /** The minimum number of creates that the first server claims; all by default. */
  claims?: number
  /** Seconds by which the last server's clock runs ahead. After 700, the default, no attempt can still take effect. */
  last?: number
  /** The number of operations by number of attempts, where timing cannot change it. */
  attempts?: Record<number, number>
}

/** The life of a server until it is killed. */
interface Life {
  /** Seconds by which the clocks of the server and the gateway run ahead. */
  ahead: number
  faults?: Injection[]
  killed: Moment
  /** The number of operations by state at the kill, where timing cannot change it. */
  leaves?: Record<string, number>
}

/** True once the server's output and its requests at the gateway show that a moment has come. */
type Moment = (output: string, arrivals: Received[]) => boolean

/** The fields of an operation that the tests compare. */
interface View {
  operationId: string
  state: string
  name: string
  image: { imageNo: string; phase: string } | null
}

const stored =
  (state: string, count: number): Moment =>
  (output) =>
    output.split(`"state":"${state}"`).length > count

const arrived =
  (action: string, count: number): Moment =>
  (_, arrivals) => {
    const calls = arrivals.filter((each) => each.action === action)
    return new Set(calls.map(({ target, body }) => target + body)).size >= count
  }

const ticked: Moment = (output) => output.includes('"event":"tick"')

/** Returns a fault for all calls of an action. With a smaller `times`, later calls get the next fault. */
const on = (action: string, fault: Injection['fault'], more: Partial<Injection> = {}) => ({
  action,
  fault,
  times: 1_000,
  ...more,
})
const half = { times: CREATES / 2, applied: true }

/** Half of the attempts make their image, and no attempt gets an answer. */
const unanswered: Life = {
  ahead: 0,
  faults: [on(create, 'hang', half), on(create, 'hang')],
  killed: arrived(create, CREATES),
  leaves: { sending: CREATES },
}

const steps: Record<string, Step> = {
  'while creates are being claimed': {
    lives: [{ ahead: 0, killed: stored('accepted', CREATES / 2) }],
    claims: CREATES / 2,
  },
  'before anything is sent': {
    lives: [
      {
        ahead: 0,
        faults: [on(list, 'hang')],
        killed: arrived(list, CREATES),
        leaves: { accepted: CREATES },
      },
    ],
    attempts: { 1: CREATES },
  },
  'while attempts are being stored': {
    lives: [{ ahead: 0, killed: stored('sending', CREATES / 2) }],
  },
  'when attempts have arrived and made nothing': {
    lives: [
      {
        ahead: 0,
        faults: [on(create, 'hang')],
        killed: arrived(create, CREATES),
        leaves: { sending: CREATES },
      },
      // At this time the attempts may still make images.
      { ahead: 500, killed: ticked, leaves: { unknown: CREATES } },
    ],
    attempts: { 2: CREATES },
  },
  'when images are made and no answer has come': {
    lives: [
      {
        ahead: 0,
        faults: [on(create, 'hang', { applied: true })],
        killed: arrived(create, CREATES),
        leaves: { sending: CREATES },
      },
    ],
    attempts: { 1: CREATES },
  },
  'while answers are coming in': {
    lives: [{ ahead: 0, killed: stored('applied', CREATES / 2) }],
  },
  'when outcomes are unknown': {
    lives: [
      {
        ahead: 0,
        faults: [on(create, 'reset-before', half), on(create, 'reset-before')],
        killed: stored('unknown', CREATES),
        leaves: { unknown: CREATES },
      },
    ],
    attempts: { 1: CREATES / 2, 2: CREATES / 2 },
  },
  'while images are followed': {
    lives: [
      { ahead: 0, killed: stored('applied', CREATES), leaves: { applied: CREATES } },
      { ahead: 30, faults: [on(detail, 'hang')], killed: arrived(detail, AT_ONCE) },
    ],
    attempts: { 1: CREATES },
  },
  'again while a tick looks for images': {
    lives: [
      unanswered,
      {
        ahead: 700,
        faults: [on(list, 'hang')],
        killed: arrived(list, AT_ONCE),
        leaves: { sending: CREATES - AT_ONCE, unknown: AT_ONCE },
      },
    ],
    attempts: { 1: CREATES / 2, 2: CREATES / 2 },
  },
  'again while a tick attempts again': {
    lives: [
      unanswered,
      {
        ahead: 700,
        faults: [on(create, 'hang', { times: AT_ONCE / 2, applied: true }), on(create, 'hang')],
        killed: arrived(create, AT_ONCE),
      },
    ],
    last: 1_400,
    attempts: { 1: CREATES / 2, 2: CREATES / 2 - AT_ONCE / 2, 3: AT_ONCE / 2 },
  },
  'again in the middle of a tick': {
    lives: [unanswered, { ahead: 700, killed: stored('applied', CREATES - 10) }],
    last: 1_400,
  },
}

test.each(Object.entries(steps))(
  'makes each image once when the server is killed %s',
  async (_, step) => {
    const { gateway, database, open } = await openWorld()
    const answers: View[] = []
    let log = ''
    for (const { ahead, faults = [], killed, leaves } of step.lives) {
      const isFirst = log === ''
      const earlier = gateway.received.length
      gateway.pending = structuredClone(faults)
      const door = await open(ahead, isFirst ? await openGate(gateway.origin) : gateway.origin)
      const asked = Promise.allSettled(isFirst ? post(door) : [])
      await until(() => killed(door.output(), gateway.received.slice(earlier)))
      door.process.kill('SIGKILL')
      await door.close()
      answers.push(...answersIn(await asked))
      log += door.output()
      if (leaves) expect(countOf([...statesIn(log).values()])).toEqual(leaves)
    }

    gateway.pending = []
    const door = await open(step.last ?? 700, gateway.origin)
    await until(() => ticked(door.output(), []))
    const kept = await operationsOf(door)
    expect(kept.filter(({ image }) => !image)).toEqual([])
    const claimed = [...statesIn(log).keys()]
    expect(claimed.length).toBeGreaterThanOrEqual(step.claims ?? CREATES)
    expect(kept.map(({ operationId }) => operationId)).toEqual(expect.arrayContaining(claimed))
    const promised = answers.filter(({ image }) => image).map(lineOf)
    expect(kept.map(lineOf)).toEqual(expect.arrayContaining(promised))

    // Repeated requests make what was lost before its claim, and nothing else.
    await Promise.all(post(door))
    const all = await operationsOf(door)
    await door.close()
    expect(all.map(lineOf)).toEqual(expect.arrayContaining(kept.map(lineOf)))
    expect(all.map(({ name }) => name).sort()).toEqual(names)
    const made = gateway.images.all().filter(({ name }) => names.includes(name))
    expect(
      made.map(({ name, no, state }) => `${name} ${no} ${phases[state.status]}`).sort(),
    ).toEqual(all.map(({ name, image }) => `${name} ${image?.imageNo} ${image?.phase}`).sort())
    expectEachAttemptOnce(gateway, recordsIn(database), step.attempts)
  },
)

function expectEachAttemptOnce(gateway: Gateway, records: Operation[], attempts: Step['attempts']) {
  const arrivals = gateway.received.filter(({ action }) => action === create)
  const marked = arrivals.map((each) => {
    return `${each.parameters.serverImageDescription} ${timestampOf(each)}`
  })
  expect(marked).toEqual([...new Set(marked)])
  const byName = Map.groupBy(arrivals, ({ parameters }) => parameters.serverImageName)
  for (const { name, attempt, signedAt } of records) {
    const own = byName.get(name) ?? []
    expect(own.length).toBeLessThanOrEqual(attempt)
    // Each attempt was stored with its timestamp before it was sent.
    expect(own.map(timestampOf).at(-1)).toBe(String(signedAt))
  }
  if (!attempts) return
  expect(countOf(records.map(({ attempt }) => attempt))).toEqual(attempts)
  expect(countOf([...byName.values()].map(({ length }) => length))).toEqual(attempts)
}

/** Opens a gateway and a folder for a database, and returns a function that starts a server on both. */
async function openWorld() {
  let aheadMs = 0
  const now = () => Date.now() + aheadMs
  const gateway = await openGateway({ ...secrets, readyAfterMs: 60 * SECOND, now })
  const folder = await mkdtemp(join(tmpdir(), 'kill-'))
  const database = join(folder, 'relay.sqlite')
  onTestFinished(async () => {
    await gateway.close()
    await rm(folder, { recursive: true })
  })

  async function open(ahead: number, origin: string): Promise<ProcessDoor> {
    aheadMs = ahead * SECOND
    const environment = environmentFor(origin, {
      RELAY_DATABASE: database,
      NODE_OPTIONS: `--import=${new URL('../support/clock-ahead.ts', import.meta.url)}`,
      CLOCK_AHEAD_MS: aheadMs,
    })
    const door = await openDoor('node, built', environment)
    onTestFinished(() => {
      door.process.kill('SIGKILL')
    })
    return door
  }
  return { gateway, database, open }
}

/** Opens a proxy that holds the look-ups of creates until all have arrived, so that all creates are in flight. */
async function openGate(origin: string): Promise<string> {
  const { port, hostname } = new URL(origin)
  const waiting: Socket[] = []
  let count = 0
  const gate = net.createServer((socket) => {
    waiting.push(socket.on('error', () => {}))
    if (++count < CREATES) return
    for (const near of waiting.splice(0)) {
      pipeline(near, net.connect(Number(port), hostname), near, () => {})
    }
  })
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    gate.close()
    for (const socket of waiting) socket.destroy()
  })
  return `http://127.0.0.1:${(gate.address() as AddressInfo).port}`
}

function post(door: ProcessDoor): Promise<Answered>[] {
  return bodies.map((body) => door.request('/v1/server-images', { method: 'POST', body }))
}

/** Returns the answers that arrived. All other requests must have failed with a broken connection. */
function answersIn(results: PromiseSettledResult<Answered>[]): View[] {
  return results.flatMap((result) => {
    if (result.status === 'fulfilled') return [result.value.json]
    expect(result.reason).toBeInstanceOf(TypeError)
    return []
  })
}

async function operationsOf(door: ProcessDoor): Promise<View[]> {
  return (await door.request('/v1/operations?limit=100')).json.items
}

function lineOf({ operationId, name, image }: View): string {
  return `${operationId} ${name} ${image?.imageNo}`
}

function timestampOf({ headers }: Received): string | undefined {
  return headers['x-ncp-apigw-timestamp']
}

function recordsIn(database: string): Operation[] {
  const sqlite = new DatabaseSync(database)
  const rows = sqlite.prepare("SELECT json FROM records WHERE type = 'operation'").all()
  sqlite.close()
  return rows.map(({ json }) => JSON.parse(String(json)))
}

/** Returns the last state that servers have logged for each operation. */
function statesIn(log: string): Map<string, string> {
  const lines = log.split('\n').filter((line) => line.includes('"event":"transition"'))
  return new Map(
    lines.flatMap((line) => {
      // The last line may be cut off by the kill.
      const [, id, state] = /"operationId":"(\w+)".*"state":"(\w+)"/.exec(line) ?? []
      return id && state ? [[id, state]] : []
    }),
  )
}

function countOf(things: (string | number)[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const thing of things) counts[thing] = (counts[thing] ?? 0) + 1
  return counts
}

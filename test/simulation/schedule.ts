import type { Context } from '../../shared/context.ts'
import type { LogEvent } from '../../shared/log.ts'
import { type Gateway, openGateway } from '../../shared/ncloud/gateway.ts'
import type { CreateImageInput } from '../../shared/operations/create-image/content.ts'
import { createImage } from '../../shared/operations/create-image/kind.ts'
import type { Operation } from '../../shared/operations/operation.ts'
import { reconcile } from '../../shared/operations/reconcile.ts'
import { newClaim, type OperationRequest } from '../../shared/operations/request.ts'
import { startOperation } from '../../shared/operations/start.ts'
import type { Store } from '../../shared/store/store.ts'
import type { Transport } from '../../shared/web/transport.ts'
import {
  type Chaos,
  type CrashPlan,
  STORE_TROUBLE,
  steppedStore,
  steppedTransport,
  stepping,
} from './chaos.ts'
import { type HostileGateway, hostileGateway } from './hostile-gateway.ts'
import { type Ledger, ledger } from './ledger.ts'
import type { Manners } from './manners.ts'
import { type Random, randomOf } from './random.ts'
import { type Process, type VirtualTime, virtualTime } from './virtual-time.ts'

const START = Date.UTC(2026, 10, 21)
const SECOND = 1_000
const MINUTE = 60 * SECOND
const LARGEST_SKEW_MS = 10 * MINUTE
const LONGEST_MS = 72 * 60 * MINUTE
/** The extra time at the end, in which frozen processes wake up and delayed packets arrive. */
const AFTERMATH_MS = 31 * MINUTE

/** A way to build the relay, possibly wrong: the replacements for its own parts. */
export interface Variant {
  transport?(transport: Transport, host: Host): Transport
  gateway?(gateway: Gateway): Gateway
  store?(store: Store): Store
  /** The milliseconds by which the clocks of its hosts are ahead, if the variant needs it. */
  hosts?: number[]
}

/** A machine with its own clock. */
export interface Host {
  /** The milliseconds by which its clock is ahead. */
  aheadMs: number
  now(): number
}

/** A request and its arrivals, in milliseconds after the start and in any order. */
interface Delivered {
  request: OperationRequest<CreateImageInput>
  deliveredAt: number[]
}

/** The content of one schedule. */
export interface Plan {
  hosts: number[]
  manners: Manners
  chaos: Chaos
  /** True if invocations are ended early, as platforms do. */
  endsEarly: boolean
  requests: [Delivered, ...Delivered[]]
  tickEveryMs: number
  /** The time at which somebody else makes an image with the first request's name. */
  foreignAt?: number
  foreignDescription?: string
  /** True if the relay made the first request's image before and then lost its database. */
  isForgotten: boolean
  /** True if nothing prevents the tick from resolving operations. */
  isCalm: boolean
}

/** The changes to the schedule of a seed. */
interface Options {
  variant?: Variant
  change?: (drawn: Plan) => Plan
  crashes?: CrashPlan
}

/** The result of a schedule. */
export interface Outcome {
  gateway: HostileGateway
  ledger: Ledger
  replies: { request: OperationRequest<CreateImageInput>; operation: Operation }[]
  steps: number
  plan: Plan
}

/** Runs the schedule of a seed on a fresh store. */
export async function runSchedule(
  seed: number,
  store: Store,
  { variant = {}, change = (drawn) => drawn, crashes }: Options = {},
): Promise<Outcome> {
  const random = randomOf(seed)
  const drawn = change(planOf(random, seed))
  const plan = { ...drawn, hosts: variant.hosts ?? drawn.hosts }
  const time = virtualTime(START)
  const gateway = hostileGateway(time, random, plan.manners)
  const steps = stepping(time, random, plan.chaos, crashes)
  const book = ledger(store, time)
  const used = variant.store?.(book.store) ?? book.store
  const hosts: Host[] = plan.hosts.map((aheadMs) => ({
    aheadMs,
    now: () => Math.floor(time.now()) + aheadMs,
  }))
  const replies: Outcome['replies'] = []
  // Back-off also depends on the seed, so that the same seed gives the same schedule.
  const platformRandom = Math.random
  Math.random = random.next

  function contextOf(process: Process, host: Host, actor: string): Context {
    const clock = {
      now: host.now,
      sleep: (ms: number) => process.wait<void>((ends) => time.after(ms, () => ends.with())),
    }
    const transport = steppedTransport(gateway.transport(process), process, steps)
    const own = openGateway({
      origin: 'https://gateway.example',
      credentials: async () => CREDENTIALS,
      transport: variant.transport?.(transport, host) ?? transport,
      clock,
    })
    return {
      relayName: '',
      site: 'public',
      clock,
      targets: ['ops'],
      gateway: variant.gateway?.(own) ?? own,
      store: steppedStore(used, process, steps, book.older),
      actor,
      deadline: host.now() + 25 * SECOND,
      log,
    }
  }

  function invoke(name: string, actor: string, body: (context: Context) => Promise<unknown>) {
    const host = hosts[random.between(0, hosts.length - 1)] as Host
    const process = time.spawn(name, async (process) => {
      await body(contextOf(process, host, actor)).catch(({ name }: Error) => noteDefect(name))
    })
    if (!plan.endsEarly) return
    const lifetime = Number(random.weighted({ 3: 1, 15: 1, 60: 4 })) * SECOND
    time.after(lifetime, () => {
      process.isDead = true
    })
  }

  /** Notes an error as a defect, unless it is a problem (an answer) or store trouble (reported to the platform). */
  function noteDefect(name: string) {
    if (name !== 'Problem' && name !== STORE_TROUBLE) book.faults.push(`a defect: ${name}`)
  }

  function log({ event, at = '' }: LogEvent) {
    if (event === 'defect') noteDefect(at.split(' ')[0] ?? '')
  }

  function deliver(request: OperationRequest<CreateImageInput>) {
    invoke('delivery', request.caller.name, async (context) => {
      const { operation } = await startOperation(request, context)
      replies.push({ request, operation })
    })
  }

  function tick() {
    invoke('tick', 'tick', async ({ store, clock }) => {
      for (const operation of await store.due('operation', { now: clock.now(), limit: 100 })) {
        invoke('step', 'tick', (context) =>
          reconcile(operation, { ...context, readLimitMs: Number.POSITIVE_INFINITY }),
        )
      }
    })
    if (random.chance(0.1)) time.after(random.between(0, 5 * SECOND), tick)
  }

  try {
    for (const { request, deliveredAt } of plan.requests) {
      for (const at of deliveredAt) time.after(at, () => deliver(request))
    }
    const [{ request }] = plan.requests
    const { name } = request.input
    const { foreignAt, foreignDescription: description } = plan
    if (plan.isForgotten) {
      const { marker } = await newClaim(request, { relayName: '', site: 'public' })
      const snapshotNo = request.input.storages[0]?.snapshotNo ?? ''
      gateway.makeOther({ name, snapshotNo, description: `[relay:${marker}]` })
    }
    if (foreignAt !== undefined) {
      time.after(foreignAt, () => gateway.makeOther({ name, snapshotNo: '1', description }))
    }
    const delivered = Math.max(...plan.requests.flatMap(({ deliveredAt }) => deliveredAt))
    await runToTheEnd(time, delivered, plan.tickEveryMs, book, tick)
  } finally {
    Math.random = platformRandom
  }
  return { gateway, ledger: book, replies, steps: steps.count(), plan }
}

const CREDENTIALS = { accessKey: 'SimulatedAccessKey', secretKey: 'SimulatedSecretKey' }

/** Runs ticks until nothing is left to do, at most for 72 hours. */
async function runToTheEnd(
  time: VirtualTime,
  delivered: number,
  tickEveryMs: number,
  book: Ledger,
  tick: () => void,
) {
  while (time.now() < START + LONGEST_MS) {
    await time.runUntil(time.now() + tickEveryMs)
    const isDeliveryOver = time.now() > START + delivered + MINUTE
    if (isDeliveryOver && book.isAtRest()) {
      await time.runUntil(time.now() + AFTERMATH_MS)
      if (book.isAtRest()) return
    }
    // Following an image takes long. Ticks do nothing while nothing is due by any clock, so skip them.
    const wait = book.untilDue(time.now() + LARGEST_SKEW_MS)
    if (isDeliveryOver && wait > 0) await time.runUntil(time.now() + wait)
    tick()
  }
}

/** Returns the plan of a seed: a world, its faults, and the requests with their arrivals. */
function planOf(random: Random, seed: number): Plan {
  const isCalm = random.chance(0.25)
  const rate = (often: number) => (isCalm ? 0 : random.chance(0.5) ? often : 0)
  const skews = [0, 4 * MINUTE, -4 * MINUTE, LARGEST_SKEW_MS, -LARGEST_SKEW_MS]
  const hosts = Array.from(
    { length: random.between(1, 3) },
    () => skews[random.between(0, skews.length - 1)] ?? 0,
  )
  const delivered = (index: number): Delivered => ({
    request: requestOf(random, index),
    deliveredAt: Array.from({ length: random.between(1, 5) }, () =>
      random.chance(0.2) ? random.between(0, 40 * MINUTE) : random.between(0, 3 * MINUTE),
    ),
  })
  const more = Array.from({ length: random.between(0, 2) }, (_, index) => delivered(index + 1))
  const foreign = random.chance(0.1)
  return {
    isCalm,
    hosts,
    endsEarly: !isCalm && random.chance(0.5),
    chaos: {
      crash: isCalm ? 0 : 0.03,
      freeze: rate(0.02),
      refusal: rate(0.05),
      lostAnswer: rate(0.05),
      twice: rate(0.02),
      stale: rate(0.05),
    },
    manners: {
      namesAreUnique: random.chance(0.3),
      hasDate: random.chance(0.9),
      hasDescriptions: !random.chance(0.03),
      lagMs: random.between(0, 1) * random.between(0, 290 * SECOND),
      slowPackets: 0.02,
      movingRows: isCalm ? 0 : 0.3,
      failingReads: isCalm ? 0 : random.between(0, 10) / 100,
      failingImages: 0.1,
      otherRows: rate(0.05),
      oddRows: isCalm ? 0 : 0.2,
      editedDescriptions: 0.05,
      wipedDescriptions: random.chance(0.03) ? 0.5 : 0,
      repeatedRows: rate(0.05),
      slowReads: rate(0.1),
      refusedDetails: rate(0.1),
      outageAt: !isCalm && random.chance(0.04) ? START + random.between(0, 30 * MINUTE) : undefined,
      similarNames: seed % 97 === 0 ? 230 : random.between(0, 2),
      creates: {
        made: 50,
        'made, answer lost': 10,
        'made, answer unreadable': 3,
        'made after an error was answered': 7,
        'lost on the way': 5,
        failed: 8,
        throttled: 3,
        refused: 2,
        'refused for now': 3,
        'refused for the key pair': 2,
      },
    },
    requests: [delivered(0), ...more],
    tickEveryMs: MINUTE,
    isForgotten: random.chance(0.05),
    ...(foreign && { foreignAt: random.between(0, 15 * MINUTE) }),
    ...(foreign && random.chance(0.7) && { foreignDescription: 'by hand' }),
  }
}

/** Returns a request. Requests may share names and keys, with the same content or with other content. */
function requestOf(random: Random, index: number): OperationRequest<CreateImageInput> {
  const name = `web-${random.between(0, index)}`
  return {
    caller: { name: `key:${random.chance(0.8) ? 'ci' : 'other'}`, scopes: [] },
    key: random.chance(0.5)
      ? { origin: 'idempotency-key', value: `key-${random.between(0, index)}` }
      : undefined,
    regionCode: 'KR',
    kind: createImage,
    input: { name, storages: [{ snapshotNo: random.chance(0.9) ? '1' : '2' }] },
    notify: ['ops'],
  }
}

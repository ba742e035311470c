import { type CreateRequest, claimOf, create } from '../../shared/creation/create.ts'
import type { Creation } from '../../shared/creation/creation.ts'
import type { Ports } from '../../shared/creation/ports.ts'
import { reconcile } from '../../shared/creation/reconcile.ts'
import type { CreationStore } from '../../shared/creation/store.ts'
import type { LogEvent } from '../../shared/log.ts'
import { type Gateway, openGateway } from '../../shared/ncloud/gateway.ts'
import type { Transport } from '../../shared/transport.ts'
import {
  type Chaos,
  type CrashPlan,
  STORE_TROUBLE,
  steppedStore,
  steppedTransport,
  stepping,
} from './chaos.ts'
import { type HostileGateway, hostileGateway, type Manners } from './hostile-gateway.ts'
import { type Ledger, ledger } from './ledger.ts'
import { type Random, randomOf } from './random.ts'
import { type Process, type VirtualTime, virtualTime } from './virtual-time.ts'

const START = Date.UTC(2026, 10, 21)
const SECOND = 1_000
const MINUTE = 60 * SECOND
const LARGEST_SKEW_MS = 10 * MINUTE
const LONGEST_MS = 72 * 60 * MINUTE
/** After all is settled, what was frozen wakes up, and what lies about on the wire comes and goes. */
const AFTERMATH_MS = 31 * MINUTE

/** A way in which the relay could be built, and wrongly: what it has instead of its own parts. */
export interface Variant {
  transport?(transport: Transport, host: Host): Transport
  gateway?(gateway: Gateway): Gateway
  store?(store: CreationStore): CreationStore
  /** By how much the clocks of its hosts are ahead, where that is the point. */
  hosts?: number[]
}

/** A machine with a clock of its own. */
export interface Host {
  /** By how much its clock is ahead. */
  aheadMs: number
  now(): number
}

/** A wish, and when it arrives: after so many milliseconds, in any order, more than once. */
interface Delivered {
  wish: CreateRequest
  deliveredAt: number[]
}

/** What one schedule is made of. */
export interface Plan {
  hosts: number[]
  manners: Manners
  chaos: Chaos
  /** Whether invocations are ended early, as platforms do. */
  endsEarly: boolean
  wishes: [Delivered, ...Delivered[]]
  tickEveryMs: number
  /** When somebody else makes an image of the first wish's name. */
  foreignAt?: number
  foreignDescription?: string
  /** Whether the relay made the first wish's image before, and lost its database since. */
  isForgotten: boolean
  /** Whether nothing keeps the tick from resolving what it can. */
  isCalm: boolean
}

/** How a schedule is run otherwise than its seed says. */
interface Options {
  variant?: Variant
  change?: (drawn: Plan) => Plan
  crashes?: CrashPlan
}

/** What came of it. */
export interface Outcome {
  gateway: HostileGateway
  ledger: Ledger
  replies: { wish: CreateRequest; creation: Creation }[]
  steps: number
  plan: Plan
}

/** Runs what a seed stands for on a fresh store. */
export async function runSchedule(
  seed: number,
  store: CreationStore,
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
  // Back-off is drawn too: the same seed is the same schedule.
  const platformRandom = Math.random
  Math.random = random.next

  function portsOf(process: Process, host: Host): Ports {
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
      site: 'public',
      clock,
      targets: ['ops'],
      gateway: variant.gateway?.(own) ?? own,
      store: steppedStore(used, process, steps, book.older),
    }
  }

  function invoke(name: string, body: (ports: Ports, host: Host) => Promise<unknown>) {
    const host = hosts[random.between(0, hosts.length - 1)] as Host
    const process = time.spawn(name, async (process) => {
      await body(portsOf(process, host), host).catch(({ name }: Error) => noteDefect(name))
    })
    if (!plan.endsEarly) return
    const lifetime = Number(random.weighted({ 3: 1, 15: 1, 60: 4 })) * SECOND
    time.after(lifetime, () => {
      process.isDead = true
    })
  }

  /** A problem is an answer, and a store in trouble is told to the platform; anything else may not be. */
  function noteDefect(name: string) {
    if (name !== 'Problem' && name !== STORE_TROUBLE) book.faults.push(`a defect: ${name}`)
  }

  function log({ event, at = '' }: LogEvent) {
    if (event === 'defect') noteDefect(at.split(' ')[0] ?? '')
  }

  function deliver(wish: CreateRequest) {
    invoke('delivery', async (ports, host) => {
      const work = { actor: wish.caller.name, deadline: host.now() + 25 * SECOND, log }
      const { creation } = await create(wish, ports, work)
      replies.push({ wish, creation })
    })
  }

  function tick() {
    invoke('tick', async ({ store }, host) => {
      for (const creation of await store.due(host.now(), 100)) {
        invoke('step', (ports, host) =>
          reconcile(creation, ports, {
            actor: 'tick',
            deadline: host.now() + 25 * SECOND,
            log,
          }),
        )
      }
    })
    if (random.chance(0.1)) time.after(random.between(0, 5 * SECOND), tick)
  }

  try {
    for (const { wish, deliveredAt } of plan.wishes) {
      for (const at of deliveredAt) time.after(at, () => deliver(wish))
    }
    const [{ wish }] = plan.wishes
    const { name } = wish.content
    const { foreignAt, foreignDescription: description } = plan
    if (plan.isForgotten) {
      const { marker } = await claimOf(wish, 'public')
      const snapshotNo = wish.content.storages[0]?.snapshotNo ?? ''
      gateway.makeOther({ name, snapshotNo, description: `[relay:${marker}]` })
    }
    if (foreignAt !== undefined) {
      time.after(foreignAt, () => gateway.makeOther({ name, snapshotNo: '1', description }))
    }
    const delivered = Math.max(...plan.wishes.flatMap(({ deliveredAt }) => deliveredAt))
    await runToTheEnd(time, delivered, plan.tickEveryMs, book, tick)
  } finally {
    Math.random = platformRandom
  }
  return { gateway, ledger: book, replies, steps: steps.count(), plan }
}

const CREDENTIALS = { accessKey: 'SimulatedAccessKey', secretKey: 'SimulatedSecretKey' }

/** Tick by tick until nothing is left to do, or until it is clear that this never comes. */
async function runToTheEnd(
  time: VirtualTime,
  delivered: number,
  tickEveryMs: number,
  book: Ledger,
  tick: () => void,
) {
  while (time.now() < START + LONGEST_MS) {
    await time.runUntil(time.now() + tickEveryMs)
    const isAttemptOver = time.now() > START + delivered + MINUTE
    if (isAttemptOver && book.isAtRest()) {
      await time.runUntil(time.now() + AFTERMATH_MS)
      if (book.isAtRest()) return
    }
    // Following is long: while nothing is due, by whichever clock, ticks do nothing.
    const wait = book.untilDue(time.now() + LARGEST_SKEW_MS)
    if (isAttemptOver && wait > 0) await time.runUntil(time.now() + wait)
    tick()
  }
}

/** What a seed stands for: a world, its faults, and who asks for what, when, how often. */
function planOf(random: Random, seed: number): Plan {
  const isCalm = random.chance(0.25)
  const rate = (often: number) => (isCalm ? 0 : random.chance(0.5) ? often : 0)
  const skews = [0, 4 * MINUTE, -4 * MINUTE, LARGEST_SKEW_MS, -LARGEST_SKEW_MS]
  const hosts = Array.from(
    { length: random.between(1, 3) },
    () => skews[random.between(0, skews.length - 1)] ?? 0,
  )
  const delivered = (index: number): Delivered => ({
    wish: wishOf(random, index),
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
        'refused for the key pair': 2,
      },
    },
    wishes: [delivered(0), ...more],
    tickEveryMs: MINUTE,
    isForgotten: random.chance(0.05),
    ...(foreign && { foreignAt: random.between(0, 15 * MINUTE) }),
    ...(foreign && random.chance(0.7) && { foreignDescription: 'by hand' }),
  }
}

/** Wishes meet in names and in keys, with the same content and with another. */
function wishOf(random: Random, index: number): CreateRequest {
  const name = `web-${random.between(0, index)}`
  return {
    caller: { name: `key:${random.chance(0.8) ? 'ci' : 'other'}`, scopes: [] },
    key: random.chance(0.5) ? `key-${random.between(0, index)}` : undefined,
    regionCode: 'KR',
    content: { name, storages: [{ snapshotNo: random.chance(0.9) ? '1' : '2' }] },
    notify: ['ops'],
  }
}

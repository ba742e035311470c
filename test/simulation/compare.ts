import {
  IdempotencyConfig,
  IdempotencyItemAlreadyExistsError,
  IdempotencyItemNotFoundError,
  makeIdempotent,
} from '@aws-lambda-powertools/idempotency'
import {
  BasePersistenceLayer,
  type IdempotencyRecord,
} from '@aws-lambda-powertools/idempotency/persistence'
import { createServerImageFromSnapshot } from '../../shared/ncloud/actions/create-server-image-from-snapshot.ts'
import { openGateway } from '../../shared/ncloud/gateway.ts'
import { type CreateImageInput, sendable } from '../../shared/operations/create-image/content.ts'
import { createImage } from '../../shared/operations/create-image/kind.ts'
import type { OperationRequest } from '../../shared/operations/request.ts'
import { memoryStore } from '../shared/store/memory-store.ts'
import { NO_CHAOS, type Stepping, steppedTransport, stepping } from './chaos.ts'
import { type HostileGateway, hostileGateway } from './hostile-gateway.ts'
import { GOOD_MANNERS } from './manners.ts'
import { type Random, randomOf } from './random.ts'
import { type Plan, runSchedule } from './schedule.ts'
import { type Process, type VirtualTime, virtualTime } from './virtual-time.ts'

// `npm run compare` runs other ways to make a create idempotent, in the same worlds with the same deliveries.

const START = Date.UTC(2026, 10, 21)
const SECOND = 1_000
const MINUTE = 60 * SECOND
const WORK_MS = 25 * SECOND
const MARKER = '0123456789abcdef'

/** The result of one schedule. */
interface End {
  images: number
  /** True if the number of an image was returned or stored. */
  isKnown: boolean
  /** True if the record stays without an outcome. */
  isStuck: boolean
}

/** One invocation of a way. */
interface Invocation {
  time: VirtualTime
  process: Process
  steps: Stepping
  /** Makes the image. A failure does not show whether it was made. */
  make(): Promise<string>
}

/** A way to answer deliveries. Each answer is the number of an image, or nothing. */
type Way = () => {
  deliver(invocation: Invocation): Promise<string | undefined>
  isStuck(): boolean
}

const ways: Record<string, Way> = {
  'no idempotency': () => ({ deliver: ({ make }) => make(), isStuck: () => false }),
  'Powertools for AWS Lambda 2.35.0': powertools,
  'the first outcome kept': firstOutcomeKept,
}

/** Runs the package itself, on a table in memory with DynamoDB's conditions. */
function powertools(): ReturnType<Way> {
  const table = new Map<string, IdempotencyRecord>()

  class Table extends BasePersistenceLayer {
    readonly #invocation: Invocation
    constructor(invocation: Invocation) {
      super()
      this.#invocation = invocation
    }
    async #step<Value>(effect: () => Value | Error): Promise<Value> {
      const { steps, process } = this.#invocation
      const value = await steps.step(process, async () => effect(), { isStore: true })
      if (value instanceof Error) throw value
      return value
    }
    protected override _putRecord(record: IdempotencyRecord) {
      return this.#step<void>(() => {
        const found = table.get(record.idempotencyKey)
        const isAttemptOver =
          found?.getStatus() === 'INPROGRESS' &&
          Number(found.inProgressExpiryTimestamp ?? Number.POSITIVE_INFINITY) < Date.now()
        if (found && !found.isExpired() && !isAttemptOver) {
          return new IdempotencyItemAlreadyExistsError('The record exists', found)
        }
        table.set(record.idempotencyKey, record)
        return undefined
      })
    }
    protected override _getRecord(key: string) {
      return this.#step<IdempotencyRecord>(
        () => table.get(key) ?? new IdempotencyItemNotFoundError('The record does not exist'),
      )
    }
    protected override _updateRecord(record: IdempotencyRecord) {
      return this.#step<void>(() => void table.set(record.idempotencyKey, record))
    }
    protected override _deleteRecord(record: IdempotencyRecord) {
      return this.#step<void>(() => void table.delete(record.idempotencyKey))
    }
  }

  return {
    deliver(invocation) {
      const end = invocation.time.now() + WORK_MS
      const getRemainingTimeInMillis = () => end - invocation.time.now()
      const lambdaContext = { getRemainingTimeInMillis } as never
      const handler = makeIdempotent((_: { name: string }) => invocation.make(), {
        persistenceStore: new Table(invocation),
        config: new IdempotencyConfig({ lambdaContext }),
      })
      return handler({ name: 'web' })
    },
    isStuck: () => [...table.values()].some((record) => record.getStatus() === 'INPROGRESS'),
  }
}

/** Lets the first delivery make the image and store the outcome. Nothing makes it again. */
function firstOutcomeKept(): ReturnType<Way> {
  let record: 'begun' | 'failed' | { no: string } | undefined
  return {
    async deliver({ steps, process, make }) {
      const store = <Value>(effect: () => Value) =>
        steps.step(process, async () => effect(), { isStore: true })
      const isFirst = await store(() => {
        if (record) return false
        record = 'begun'
        return true
      })
      if (!isFirst) return typeof record === 'object' ? record.no : undefined
      try {
        const no = await make()
        await store(() => {
          record = { no }
        })
        return no
      } catch (error) {
        await store(() => {
          record = 'failed'
        })
        throw error
      }
    },
    isStuck: () => record === 'begun',
  }
}

/** Runs one way in the world of a seed. */
async function run(seed: number, way: Way): Promise<End> {
  const random = randomOf(seed)
  const plan = planOf(random)
  const time = virtualTime(START)
  const gateway = hostileGateway(time, random, plan.manners)
  const steps = stepping(time, random, plan.chaos)
  const { deliver, isStuck } = way()
  const returned: string[] = []
  for (const at of plan.requests[0].deliveredAt) {
    time.after(at, () => {
      const process = time.spawn('delivery', async (process) => {
        const make = () => makeImage(gateway, process, steps, time)
        const no = await deliver({ time, process, steps, make }).catch(() => undefined)
        if (no) returned.push(no)
      })
      endEarly(process, time, random)
    })
  }
  const realNow = Date.now
  Date.now = () => Math.floor(time.now())
  try {
    await time.runUntil(START + 3 * 60 * MINUTE)
    return { images: gateway.images.length, isKnown: returned.length > 0, isStuck: isStuck() }
  } finally {
    Date.now = realNow
  }
}

async function makeImage(
  gateway: HostileGateway,
  process: Process,
  steps: Stepping,
  time: VirtualTime,
): Promise<string> {
  const clock = { now: () => Math.floor(time.now()), sleep: async () => {} }
  const own = openGateway({
    origin: 'https://gateway.example',
    credentials: async () => ({ accessKey: 'SimulatedAccessKey', secretKey: 'SimulatedSecretKey' }),
    transport: steppedTransport(gateway.transport(process), process, steps),
    clock,
  })
  const options = { deadline: clock.now() + WORK_MS, log: () => {} }
  const content = sendable(request.input)
  if (!content) throw new Error('A snapshot is unknown')
  const input = { ...content, regionCode: 'KR', marker: MARKER }
  const signed = await own.sign(createServerImageFromSnapshot, input, options)
  return (await signed.send(WORK_MS)).imageNo
}

function endEarly(process: Process, time: VirtualTime, random: Random) {
  time.after(Number(random.weighted({ 3: 1, 15: 1, 60: 1 })) * SECOND, () => {
    process.isDead = true
  })
}

/** Runs the relay itself on the same plan. */
async function runRelay(seed: number): Promise<End> {
  const plan = planOf(randomOf(seed))
  const { gateway, ledger, replies } = await runSchedule(seed, memoryStore(), {
    change: () => plan,
  })
  const operations = ledger.operations()
  return {
    images: gateway.images.length,
    isKnown: [...operations, ...replies.map(({ operation }) => operation)].some(
      ({ result }) => result,
    ),
    isStuck: operations.some(({ dueAt }) => dueAt !== null),
  }
}

const request: OperationRequest<CreateImageInput> = {
  caller: { name: 'key:ci', scopes: [] },
  key: { origin: 'idempotency-key', value: 'once' },
  regionCode: 'KR',
  kind: createImage,
  input: { name: 'web', storages: [{ snapshotNo: '1' }] },
  notify: [],
}

/** Returns a plan with one key: 2 to 6 deliveries within 3 minutes, and 6 more every 10 minutes. */
function planOf(random: Random): Plan {
  const soon = Array.from({ length: random.between(2, 6) }, () => random.between(0, 3 * MINUTE))
  const patient = Array.from({ length: 6 }, (_, index) => (index + 1) * 10 * MINUTE)
  return {
    hosts: [0],
    isCalm: false,
    isForgotten: false,
    endsEarly: true,
    tickEveryMs: MINUTE,
    chaos: { ...NO_CHAOS, crash: 0.03 },
    manners: {
      ...GOOD_MANNERS,
      lagMs: MINUTE,
      creates: { made: 82, 'made, answer lost': 10, failed: 8 },
    },
    requests: [{ request, deliveredAt: [...soon, ...patient] }],
  }
}

const schedules = Number(process.argv[2] ?? 2_000)
const all: Record<string, (seed: number) => Promise<End>> = {
  ...Object.fromEntries(
    Object.entries(ways).map(([name, way]) => [name, (seed: number) => run(seed, way)]),
  ),
  'this relay': runRelay,
}
const rows: Record<string, Record<string, number>> = {}
for (const [name, runOne] of Object.entries(all)) {
  const ends: End[] = []
  for (let seed = 0; seed < schedules; seed++) ends.push(await runOne(seed))
  rows[name] = {
    schedules,
    'with two images or more': ends.filter(({ images }) => images > 1).length,
    'surplus images': ends.reduce((sum, { images }) => sum + Math.max(0, images - 1), 0),
    'an image nobody knows': ends.filter((end) => end.images > 0 && !end.isKnown).length,
    'stuck at the end': ends.filter(({ isStuck }) => isStuck).length,
  }
}
console.table(rows)

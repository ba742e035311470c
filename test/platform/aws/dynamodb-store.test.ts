import {
  type DynamoDBClient,
  GetItemCommand,
  ScanCommand,
  TransactionCanceledException,
  TransactionConflictException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dynamodbStore } from '../../../functions/platform/aws/dynamodb-store.ts'
import {
  accepted,
  type Creation,
  created,
  inConflict,
  notCreated,
  rejected,
  sending,
  unknown,
  waiting,
} from '../../../shared/creation/creation.ts'
import type { Claimed, CreationStore } from '../../../shared/creation/store.ts'
import { by, claim, image, jobsRecord, notice } from '../../shared/creation/records.ts'
import { storeSuite } from '../../shared/creation/store-suite.ts'
import { type DynamodbLocal, startDynamodbLocal, whyNoDynamodbLocal } from './dynamodb-local.ts'

const DAY_MS = 86_400_000
const problem = { code: 'upstream-refused' as const, detail: 'x' }
const noQuota = { today: 0 }
const entry = notice('a', 9)
const jobs = jobsRecord(1)
const none = ['None', 'None', 'None', 'None']

const missing = whyNoDynamodbLocal()
if (missing) console.warn(`The DynamoDB tests are skipped: ${missing}`)

let local: DynamodbLocal

/** A store on a table of its own, and a look at what it keeps there. */
async function open() {
  const TableName = await local.openTable()
  const client = local.client()
  const keyOf = ({ creationId }: Creation) => ({ pk: { S: `creation#${creationId}` } })
  return {
    store: dynamodbStore(client, TableName),
    /** The same, through a client with a fault. */
    through: (faulty: DynamoDBClient) => dynamodbStore(faulty, TableName),
    async expiryOf(creation: Creation) {
      const command = new GetItemCommand({ TableName, Key: keyOf(creation) })
      return (await client.send(command)).Item?.expiresAt?.N
    },
    /** As after 90 days, before DynamoDB has come round to deleting the item. */
    async expire(creation: Creation) {
      const update = {
        TableName,
        Key: keyOf(creation),
        UpdateExpression: 'SET expiresAt = :end',
        ExpressionAttributeValues: { ':end': { N: '1' } },
      }
      await client.send(new UpdateItemCommand(update))
    },
    async keysOf(IndexName?: string) {
      const { Items = [] } = await client.send(
        new ScanCommand({ TableName, ...(IndexName && { IndexName }) }),
      )
      return Items.map(({ pk }) => pk?.S)
    },
  }
}

/** A client with something between each of its tries of a command and the server. */
function clientOf(
  command?: string,
  between: <Answer>(send: () => Promise<Answer>) => Promise<Answer> = (send) => send(),
): DynamoDBClient {
  const client = local.client()
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) =>
        commandName === `${command}Command` ? between(() => next(args)) : next(args),
    { step: 'deserialize', priority: 'high' },
  )
  return client
}

/** A client that the first answer does not reach, though the server has done what it was asked. */
function losingAnswer(command: string) {
  let tries = 0
  const client = clientOf(command, async (send) => {
    if (++tries > 1) return send()
    await send().catch(() => undefined)
    throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
  })
  return { client, tries: () => tries }
}

/** A client that repeats its transactions so late that each repeat counts as another. */
function repeating() {
  const client = clientOf()
  // Above the retries each pass gets a token of its own, as after ten minutes.
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName === 'TransactWriteItemsCommand') await next(args)
        return next(args)
      },
    { step: 'initialize' },
  )
  return client
}

/** A client whose first transactions are cancelled, each for the reasons given. */
function cancelling(...cancellations: string[][]) {
  let tries = 0
  const client = clientOf('TransactWriteItems', async (send) => {
    const reasons = cancellations[tries++]
    if (!reasons) return send()
    throw new TransactionCanceledException({
      message: 'Transaction cancelled',
      $metadata: {},
      CancellationReasons: reasons.map((Code) => ({ Code })),
    })
  })
  return { client, tries: () => tries }
}

/** Claims of 200 at once, made by `more`. */
async function claimMany(
  store: CreationStore,
  more: Parameters<typeof claim>[0],
  quota: Parameters<CreationStore['claim']>[1] = noQuota,
): Promise<Claimed[]> {
  const creations = Array.from({ length: 200 }, () => accepted(claim(more), by(5_000)))
  return Promise.all(creations.map((creation) => store.claim(creation, quota)))
}

function withOutcome(results: Claimed[], outcome: string) {
  return results.filter((result) => result.outcome === outcome)
}

function sent(creation: Creation): Creation {
  return sending(creation, 2_000, by(2_000))
}

function conflicted(creation: Creation): Creation {
  return inConflict(unknown(sent(creation), problem, by(3_000)), by(4_000))
}

/** Writes a creation as if it had come there step by step. */
async function put(store: CreationStore, creation: Creation): Promise<void> {
  expect(await store.replace({ ...creation, version: 2 })).toBe(true)
}

describe.skipIf(missing)('the store over DynamoDB', () => {
  // The first time, the emulator is fetched.
  beforeAll(async () => {
    local = await startDynamodbLocal()
  }, 600_000)
  afterAll(() => local?.close())

  storeSuite(async () => (await open()).store)

  describe('of 200 claims at once', () => {
    test('one gets the key, and the others see who has it', async () => {
      const { store } = await open()
      const results = await claimMany(store, { keyHash: 'same' })
      expect(withOutcome(results, 'claimed')).toHaveLength(1)
      const [holder] = await store.list({ limit: 9 })
      const held = Array(199).fill({ outcome: 'key-held', holder })
      expect(withOutcome(results, 'key-held')).toEqual(held)
    })

    test('one gets the name that another has let go of', async () => {
      const { store } = await open()
      const first = accepted(claim({ name: 'web' }), by(1_000))
      await store.claim(first, noQuota)
      await store.replace(rejected(first, problem, by(2_000)))
      const results = await claimMany(store, { name: 'web' })
      expect(withOutcome(results, 'claimed')).toHaveLength(1)
      const holder = await store.holderOf('KR', 'web')
      const held = Array(199).fill({ outcome: 'name-held', holder })
      expect(withOutcome(results, 'name-held')).toEqual(held)
      expect(await store.list({ limit: 9 })).toEqual([
        holder,
        expect.objectContaining({ version: 2 }),
      ])
    })

    test('as many as the quota allows are made', async () => {
      const { store, keysOf } = await open()
      const results = await claimMany(store, {}, { dailyCreations: 5, today: 0 })
      expect(withOutcome(results, 'claimed')).toHaveLength(5)
      expect(withOutcome(results, 'quota-spent')).toHaveLength(195)
      // Five creations with a key and a name each, and the counter.
      expect(await keysOf()).toHaveLength(16)
    })
  })

  describe('the quota', () => {
    test('counts what was made before there was one', async () => {
      const { store } = await open()
      for (let i = 0; i < 3; i++) await store.claim(accepted(claim(), by(1_000)), noQuota)
      const claimed = async (dailyCreations: number, today = 0) =>
        (await store.claim(accepted(claim(), by(today)), { dailyCreations, today })).outcome
      expect(await claimed(3)).toBe('quota-spent')
      expect(await claimed(4)).toBe('claimed')
      expect(await claimed(1, DAY_MS)).toBe('claimed')
    })

    test('of none lets nothing through', async () => {
      const { store } = await open()
      const result = await store.claim(accepted(claim(), by(1)), { dailyCreations: 0, today: 0 })
      expect(result).toEqual({ outcome: 'quota-spent' })
    })

    test('is asked for last, even if it is used up for the same key in between', async () => {
      const { store, through } = await open()
      const quota = { dailyCreations: 1, today: 0 }
      const first = accepted(claim({ keyHash: 'same' }), by(1_000))
      let reads = 0
      const client = clientOf('GetItem', async (send) => {
        const answer = await send()
        if (++reads === 1) await store.claim(first, quota)
        return answer
      })
      const second = accepted(claim({ keyHash: 'same' }), by(2_000))
      const held = { outcome: 'key-held', holder: first }
      expect(await through(client).claim(second, quota)).toEqual(held)
    })
  })

  describe('a write whose answer is lost', () => {
    test('is told as won by its repeat', async () => {
      const { store, through } = await open()
      const first = accepted(claim(), by(1_000))
      await store.claim(first, noQuota)
      const { client, tries } = losingAnswer('PutItem')
      expect(await through(client).replace(sent(first))).toBe(true)
      expect(tries()).toBe(2)
      expect(await store.read(first.creationId)).toEqual(sent(first))
    })

    test('is told as lost where another came first', async () => {
      const { store, through } = await open()
      const first = accepted(claim(), by(1_000))
      await store.claim(first, noQuota)
      const other = rejected(first, problem, by(2_000))
      await store.replace(other)
      const { client, tries } = losingAnswer('PutItem')
      expect(await through(client).replace(sent(first))).toBe(false)
      expect(tries()).toBe(2)
      expect(await store.read(first.creationId)).toEqual(other)
    })

    test('is told as won with its notices, which are there once', async () => {
      const { store, through } = await open()
      const first = accepted(claim(), by(1_000))
      await store.claim(first, noQuota)
      const { client, tries } = losingAnswer('TransactWriteItems')
      expect(await through(client).replace(sent(first), [entry])).toBe(true)
      expect(tries()).toBe(2)
      expect(await store.read(first.creationId)).toEqual(sent(first))
      expect(await store.dueNotices('ops', 9, 9)).toEqual([entry])
    })

    test('is told as won with its notices by a repeat that counts as another', async () => {
      const { store, through } = await open()
      const first = accepted(claim(), by(1_000))
      await store.claim(first, noQuota)
      expect(await through(repeating()).replace(sent(first), [entry])).toBe(true)
      expect(await through(repeating()).replaceJobs(jobs, [entry])).toBe(true)
      expect(await store.readJobs()).toEqual(jobs)
    })

    test('is told as lost with its notices where another came first', async () => {
      const { store, through } = await open()
      const first = accepted(claim(), by(1_000))
      await store.claim(first, noQuota)
      await store.replace(rejected(first, problem, by(2_000)))
      const { client } = losingAnswer('TransactWriteItems')
      expect(await through(client).replace(sent(first), [entry])).toBe(false)
      expect(await store.dueNotices('ops', 9, 9)).toEqual([])
    })

    test('is told as claimed, and counted once', async () => {
      const { store, through } = await open()
      const quota = { dailyCreations: 2, today: 0 }
      const first = accepted(claim(), by(1_000))
      const { client, tries } = losingAnswer('TransactWriteItems')
      expect(await through(client).claim(first, quota)).toEqual({ outcome: 'claimed' })
      expect(tries()).toBe(2)
      const outcomes = []
      for (const at of [2_000, 3_000]) {
        outcomes.push((await store.claim(accepted(claim(), by(at)), quota)).outcome)
      }
      expect(outcomes).toEqual(['claimed', 'quota-spent'])
    })

    test('is told as claimed when the repeat comes so late that it counts as another', async () => {
      const { through } = await open()
      const client = repeating()
      const first = accepted(claim(), by(1_000))
      const quota = { dailyCreations: 1, today: 0 }
      expect(await through(client).claim(first, quota)).toEqual({ outcome: 'claimed' })
    })
  })

  describe('a cancelled claim', () => {
    test.each([
      ['for a conflict', 'TransactionConflict'],
      ['for a throttle', 'ThrottlingError'],
      ['for too little capacity', 'ProvisionedThroughputExceeded'],
      ['by a name that is free again', 'ConditionalCheckFailed'],
    ])('%s is tried again', async (_, reason) => {
      const { store, through } = await open()
      const reasons = none.with(2, reason)
      const { client, tries } = cancelling(reasons, reasons)
      const first = accepted(claim(), by(1_000))
      expect(await through(client).claim(first, noQuota)).toEqual({ outcome: 'claimed' })
      expect(tries()).toBe(3)
      expect(await store.read(first.creationId)).toEqual(first)
    })

    test('is tried again where it is a change with notices', async () => {
      const { store, through } = await open()
      const first = accepted(claim(), by(1_000))
      await store.claim(first, noQuota)
      const { client, tries } = cancelling(['TransactionConflict', 'None'])
      expect(await through(client).replace(sent(first), [entry])).toBe(true)
      expect(tries()).toBe(2)
    })

    test('is tried again where it is a change that another transaction holds up', async () => {
      const { store, through } = await open()
      const first = accepted(claim(), by(1_000))
      await store.claim(first, noQuota)
      let tries = 0
      const client = clientOf('PutItem', (send) => {
        if (++tries > 1) return send()
        throw new TransactionConflictException({ message: 'Conflict', $metadata: {} })
      })
      expect(await through(client).replace(sent(first))).toBe(true)
      expect(tries).toBe(2)
    })

    test('is given up after ten times', async () => {
      const { store, through } = await open()
      const { client, tries } = cancelling(...Array(20).fill(none.with(3, 'TransactionConflict')))
      const first = accepted(claim(), by(1_000))
      const start = performance.now()
      const claimed = through(client).claim(first, noQuota)
      await expect(claimed).rejects.toBeInstanceOf(TransactionCanceledException)
      expect(tries()).toBe(10)
      // The pauses between come to 2.8 s on average.
      expect(performance.now() - start).toBeGreaterThan(300)
      expect(await store.read(first.creationId)).toBeUndefined()
    })

    test('is given up at once for what cannot pass', async () => {
      const { through } = await open()
      const { client, tries } = cancelling(none.with(0, 'ValidationError'))
      const claimed = through(client).claim(accepted(claim(), by(1_000)), noQuota)
      await expect(claimed).rejects.toBeInstanceOf(TransactionCanceledException)
      expect(tries()).toBe(1)
    })
  })

  describe('a creation with nothing left to do', () => {
    const first = accepted(claim({ name: 'web', keyHash: 'same' }), by(1_000))
    const finished = created(sent(first), image('ready'), by(3_000))
    const again = (at: number) => accepted(claim({ name: 'web', keyHash: 'same' }), by(at))

    test.each([
      ['rejected', rejected(first, problem, by(2_000))],
      ['not_created', notCreated(unknown(sent(first), problem, by(2_000)), 'absent', by(2_000))],
      ['created', finished],
    ])('expires 90 days after the last write: %s', async (_, done) => {
      const { store, expiryOf } = await open()
      await store.claim(first, noQuota)
      await put(store, done)
      const days = (Number(await expiryOf(first)) * 1_000 - Date.now()) / DAY_MS
      expect(days).toBeCloseTo(90, 3)
    })

    test.each([
      ['accepted', waiting(first, 9_000)],
      ['sending', sent(first)],
      ['unknown', unknown(sent(first), problem, by(3_000))],
      ['in conflict', conflicted(first)],
      ['created, its image followed', created(sent(first), image('creating'), by(3_000))],
    ])('is none that is %s', async (_, busy) => {
      const { store, expiryOf } = await open()
      await store.claim(first, noQuota)
      expect(await expiryOf(first)).toBeUndefined()
      await put(store, busy)
      expect(await expiryOf(first)).toBeUndefined()
    })

    test('holds key and name to its end, and not beyond, though it still lies there', async () => {
      const { store, keysOf } = await open()
      await store.claim(first, noQuota)
      await put(store, finished)
      const now = Date.now()
      const held = await store.claim(again(now + 89 * DAY_MS), noQuota)
      expect(held.outcome).toBe('key-held')
      const second = again(now + 91 * DAY_MS)
      expect(await store.claim(second, noQuota)).toEqual({ outcome: 'claimed' })
      expect(await keysOf()).toContain(`creation#${first.creationId}`)
      expect(await store.holderOf('KR', 'web')).toEqual(second)
      const third = await store.claim(again(now + 92 * DAY_MS), noQuota)
      expect(third).toEqual({ outcome: 'key-held', holder: second })
    })

    test('is nowhere to be seen after its end, nor written', async () => {
      const { store, expire } = await open()
      const other = accepted(claim(), by(500))
      for (const one of [first, other]) await store.claim(one, noQuota)
      await put(store, finished)
      await expire(first)
      expect(await store.read(first.creationId)).toBeUndefined()
      expect(await store.holderOf('KR', 'web')).toBeUndefined()
      expect(await store.list({ limit: 1 })).toEqual([other])
      expect(await store.list({ limit: 9, state: 'created' })).toEqual([])
      expect(await store.replace({ ...finished, version: 3 })).toBe(false)
    })

    test('is none that waits for a person, even after years', async () => {
      const { store } = await open()
      await store.claim(first, noQuota)
      await put(store, conflicted(first))
      const result = await store.claim(again(Date.now() + 3_650 * DAY_MS), noQuota)
      expect(result).toMatchObject({ outcome: 'key-held', holder: { state: 'conflict' } })
    })
  })

  test('a list goes on from answer to answer, and asks for large ones', async () => {
    const { store, through } = await open()
    const oldest = accepted(claim(), by(9))
    await store.claim(oldest, noQuota)
    const done = rejected(oldest, problem, by(9))
    await store.replace(done)
    // More than the megabyte that one answer holds.
    const description = 'x'.repeat(150_000)
    for (let at = 10; at < 20; at++) {
      const { content, ...rest } = claim()
      const large = { ...rest, content: { ...content, description } }
      await store.claim(accepted(large, by(at)), noQuota)
    }
    let answers = 0
    const client = clientOf('Query', (send) => {
      answers++
      return send()
    })
    expect(await through(client).list({ limit: 1, state: 'rejected' })).toEqual([done])
    expect(answers).toBeLessThan(3)
    const all = await store.list({ limit: 99, caller: 'key:ci' })
    const times = all.map(({ createdAt }) => createdAt)
    expect(times).toEqual([19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9])
    expect(await store.list({ limit: 2, state: 'accepted' })).toEqual(all.slice(0, 2))
  })

  test('the index of what is due holds nothing else', async () => {
    const { store, keysOf } = await open()
    const creations = [1_000, 2_000, 3_000].map((at) => accepted(claim(), by(at)))
    for (const one of creations) await store.claim(one, noQuota)
    const [settled, open1, open2] = creations as [Creation, Creation, Creation]
    await put(store, rejected(settled, problem, by(4_000)))
    const due = [open1, open2].map(({ creationId }) => `creation#${creationId}`)
    expect((await keysOf('due')).sort()).toEqual(due)
  })

  test('no read but those of lists may be stale', async () => {
    const { through } = await open()
    const client = clientOf()
    const inputs: object[] = []
    client.middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          if (commandName === 'GetItemCommand') inputs.push(args.input)
          return next(args)
        },
      { step: 'initialize' },
    )
    const store = through(client)
    const creation = accepted(claim(), by(1))
    await store.claim(creation, noQuota)
    await store.read(creation.creationId)
    await store.holderOf('KR', creation.content.name)
    expect(inputs).toEqual(Array(6).fill(expect.objectContaining({ ConsistentRead: true })))
  })

  test('any other failure is told', async () => {
    const store = dynamodbStore(clientOf(), 'no-such-table')
    const creation = accepted(claim(), by(1))
    const missing = { name: 'ResourceNotFoundException' }
    await expect(store.replace(creation)).rejects.toMatchObject(missing)
    await expect(store.claim(creation, noQuota)).rejects.toMatchObject(missing)
    await expect(store.read(creation.creationId)).rejects.toMatchObject(missing)
  })
})

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

/** Opens a store on a new table, with functions that read and change the table directly. */
async function open() {
  const TableName = await local.openTable()
  const client = local.client()
  const keyOf = ({ creationId }: Creation) => ({ pk: { S: `creation#${creationId}` } })
  return {
    store: dynamodbStore(client, TableName),
    /** Opens the same table with a faulty client. */
    through: (faulty: DynamoDBClient) => dynamodbStore(faulty, TableName),
    async expiryOf(creation: Creation) {
      const command = new GetItemCommand({ TableName, Key: keyOf(creation) })
      return (await client.send(command)).Item?.expiresAt?.N
    },
    /** Expires a creation as after 90 days. DynamoDB has not deleted the item yet. */
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

/** Returns a client that calls `between` around each try of a command. */
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

/** Returns a client that loses the first answer after the server has executed the command. */
function losingAnswer(command: string) {
  let tries = 0
  const client = clientOf(command, async (send) => {
    if (++tries > 1) return send()
    await send().catch(() => undefined)
    throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
  })
  return { client, tries: () => tries }
}

/** Returns a client that repeats transactions so late that DynamoDB executes each repeat as a new transaction. */
function repeating() {
  const client = clientOf()
  // Outside the retries each pass gets a new token, which has the effect of a repeat after ten minutes.
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

/** Returns a client whose first transactions are cancelled for the given reasons. */
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

/** Makes 200 claims at once. */
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

/** Writes a creation as if it had reached its state step by step. */
async function put(store: CreationStore, creation: Creation): Promise<void> {
  expect(await store.replace({ ...creation, version: 2 })).toBe(true)
}

describe.skipIf(missing)('the store over DynamoDB', () => {
  // The first run fetches the emulator.
  beforeAll(async () => {
    local = await startDynamodbLocal()
  }, 600_000)
  afterAll(() => local?.close())

  storeSuite(async () => (await open()).store)

  describe('of 200 concurrent claims', () => {
    test('one gets the key, and the others get its holder', async () => {
      const { store } = await open()
      const results = await claimMany(store, { keyHash: 'same' })
      expect(withOutcome(results, 'claimed')).toHaveLength(1)
      const [holder] = await store.list({ limit: 9 })
      const held = Array(199).fill({ outcome: 'key-held', holder })
      expect(withOutcome(results, 'key-held')).toEqual(held)
    })

    test('one gets a released name, and the others get its holder', async () => {
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

    test('as many succeed as the quota allows', async () => {
      const { store, keysOf } = await open()
      const results = await claimMany(store, {}, { dailyCreations: 5, today: 0 })
      expect(withOutcome(results, 'claimed')).toHaveLength(5)
      expect(withOutcome(results, 'quota-spent')).toHaveLength(195)
      // Five creations with a key and a name each, and the counter.
      expect(await keysOf()).toHaveLength(16)
    })
  })

  describe('the quota', () => {
    test('counts creations from before the quota was set', async () => {
      const { store } = await open()
      for (let i = 0; i < 3; i++) await store.claim(accepted(claim(), by(1_000)), noQuota)
      const claimed = async (dailyCreations: number, today = 0) =>
        (await store.claim(accepted(claim(), by(today)), { dailyCreations, today })).outcome
      expect(await claimed(3)).toBe('quota-spent')
      expect(await claimed(4)).toBe('claimed')
      expect(await claimed(1, DAY_MS)).toBe('claimed')
    })

    test('of 0 allows no creation', async () => {
      const { store } = await open()
      const result = await store.claim(accepted(claim(), by(1)), { dailyCreations: 0, today: 0 })
      expect(result).toEqual({ outcome: 'quota-spent' })
    })

    test('is checked last, even if a claim of the same key uses it up in between', async () => {
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
    test('succeeds by its repeat', async () => {
      const { store, through } = await open()
      const first = accepted(claim(), by(1_000))
      await store.claim(first, noQuota)
      const { client, tries } = losingAnswer('PutItem')
      expect(await through(client).replace(sent(first))).toBe(true)
      expect(tries()).toBe(2)
      expect(await store.read(first.creationId)).toEqual(sent(first))
    })

    test('fails if another write came first', async () => {
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

    test('succeeds with its notices, which are stored once', async () => {
      const { store, through } = await open()
      const first = accepted(claim(), by(1_000))
      await store.claim(first, noQuota)
      const { client, tries } = losingAnswer('TransactWriteItems')
      expect(await through(client).replace(sent(first), [entry])).toBe(true)
      expect(tries()).toBe(2)
      expect(await store.read(first.creationId)).toEqual(sent(first))
      expect(await store.dueNotices('ops', 9, 9)).toEqual([entry])
    })

    test('succeeds with its notices by a repeat that runs as a new transaction', async () => {
      const { store, through } = await open()
      const first = accepted(claim(), by(1_000))
      await store.claim(first, noQuota)
      expect(await through(repeating()).replace(sent(first), [entry])).toBe(true)
      expect(await through(repeating()).replaceJobs(jobs, [entry])).toBe(true)
      expect(await store.readJobs()).toEqual(jobs)
    })

    test('fails and stores no notices if another write came first', async () => {
      const { store, through } = await open()
      const first = accepted(claim(), by(1_000))
      await store.claim(first, noQuota)
      await store.replace(rejected(first, problem, by(2_000)))
      const { client } = losingAnswer('TransactWriteItems')
      expect(await through(client).replace(sent(first), [entry])).toBe(false)
      expect(await store.dueNotices('ops', 9, 9)).toEqual([])
    })

    test('succeeds as a claim, and is counted once', async () => {
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

    test('succeeds as a claim by a repeat that runs as a new transaction', async () => {
      const { through } = await open()
      const client = repeating()
      const first = accepted(claim(), by(1_000))
      const quota = { dailyCreations: 1, today: 0 }
      expect(await through(client).claim(first, quota)).toEqual({ outcome: 'claimed' })
    })
  })

  describe('a cancelled write', () => {
    test.each([
      ['a conflict', 'TransactionConflict'],
      ['throttling', 'ThrottlingError'],
      ['too little capacity', 'ProvisionedThroughputExceeded'],
      ['a name that is free again', 'ConditionalCheckFailed'],
    ])('is retried as a claim after %s', async (_, reason) => {
      const { store, through } = await open()
      const reasons = none.with(2, reason)
      const { client, tries } = cancelling(reasons, reasons)
      const first = accepted(claim(), by(1_000))
      expect(await through(client).claim(first, noQuota)).toEqual({ outcome: 'claimed' })
      expect(tries()).toBe(3)
      expect(await store.read(first.creationId)).toEqual(first)
    })

    test('is retried as a change with notices', async () => {
      const { store, through } = await open()
      const first = accepted(claim(), by(1_000))
      await store.claim(first, noQuota)
      const { client, tries } = cancelling(['TransactionConflict', 'None'])
      expect(await through(client).replace(sent(first), [entry])).toBe(true)
      expect(tries()).toBe(2)
    })

    test('is retried as a change that conflicts with another transaction', async () => {
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

    test('is given up after ten tries', async () => {
      const { store, through } = await open()
      const { client, tries } = cancelling(...Array(20).fill(none.with(3, 'TransactionConflict')))
      const first = accepted(claim(), by(1_000))
      const start = performance.now()
      const claimed = through(client).claim(first, noQuota)
      await expect(claimed).rejects.toBeInstanceOf(TransactionCanceledException)
      expect(tries()).toBe(10)
      // The pauses between the tries add up to 2.8 s on average.
      expect(performance.now() - start).toBeGreaterThan(300)
      expect(await store.read(first.creationId)).toBeUndefined()
    })

    test('is given up at once for a lasting reason', async () => {
      const { through } = await open()
      const { client, tries } = cancelling(none.with(0, 'ValidationError'))
      const claimed = through(client).claim(accepted(claim(), by(1_000)), noQuota)
      await expect(claimed).rejects.toBeInstanceOf(TransactionCanceledException)
      expect(tries()).toBe(1)
    })
  })

  describe('the expiry of a creation', () => {
    const first = accepted(claim({ name: 'web', keyHash: 'same' }), by(1_000))
    const finished = created(sent(first), image('ready'), by(3_000))
    const again = (at: number) => accepted(claim({ name: 'web', keyHash: 'same' }), by(at))

    test.each([
      ['rejected', rejected(first, problem, by(2_000))],
      ['not_created', notCreated(unknown(sent(first), problem, by(2_000)), 'absent', by(2_000))],
      ['created', finished],
    ])('is 90 days after the last write in the state %s', async (_, done) => {
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
      ['conflict', conflicted(first)],
      ['created with an image to follow', created(sent(first), image('creating'), by(3_000))],
    ])('is not set in the state %s', async (_, busy) => {
      const { store, expiryOf } = await open()
      await store.claim(first, noQuota)
      expect(await expiryOf(first)).toBeUndefined()
      await put(store, busy)
      expect(await expiryOf(first)).toBeUndefined()
    })

    test('releases key and name, even if the item is not deleted yet', async () => {
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

    test('hides the creation and refuses writes to it', async () => {
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

    test('does not exist while it waits for a person, even after ten years', async () => {
      const { store } = await open()
      await store.claim(first, noQuota)
      await put(store, conflicted(first))
      const result = await store.claim(again(Date.now() + 3_650 * DAY_MS), noQuota)
      expect(result).toMatchObject({ outcome: 'key-held', holder: { state: 'conflict' } })
    })
  })

  test('a list reads several answers, each as large as possible', async () => {
    const { store, through } = await open()
    const oldest = accepted(claim(), by(9))
    await store.claim(oldest, noQuota)
    const done = rejected(oldest, problem, by(9))
    await store.replace(done)
    // Together more than 1 MB, the maximum of one answer.
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

  test('the index of due creations contains no settled creation', async () => {
    const { store, keysOf } = await open()
    const creations = [1_000, 2_000, 3_000].map((at) => accepted(claim(), by(at)))
    for (const one of creations) await store.claim(one, noQuota)
    const [settled, open1, open2] = creations as [Creation, Creation, Creation]
    await put(store, rejected(settled, problem, by(4_000)))
    const due = [open1, open2].map(({ creationId }) => `creation#${creationId}`)
    expect((await keysOf('due')).sort()).toEqual(due)
  })

  test('only reads of lists may be stale', async () => {
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

  test('throws any other failure', async () => {
    const store = dynamodbStore(clientOf(), 'no-such-table')
    const creation = accepted(claim(), by(1))
    const missing = { name: 'ResourceNotFoundException' }
    await expect(store.replace(creation)).rejects.toMatchObject(missing)
    await expect(store.claim(creation, noQuota)).rejects.toMatchObject(missing)
    await expect(store.read(creation.creationId)).rejects.toMatchObject(missing)
  })
})

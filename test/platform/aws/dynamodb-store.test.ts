import {
  type DynamoDBClient,
  GetItemCommand,
  ScanCommand,
  TransactionCanceledException,
  TransactionConflictException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { dynamodbStore } from '../../../functions/platform/aws/dynamodb-store.ts'
import { imageNameHold } from '../../../shared/operations/create-image/holds.ts'
import type { Operation } from '../../../shared/operations/operation.ts'
import {
  accept,
  apply,
  markConflict,
  markNotApplied,
  markUnknown,
  postponeLook,
  reject,
  startAttempt,
} from '../../../shared/operations/transitions.ts'
import type { ClaimResult, Store } from '../../../shared/store/store.ts'
import { by, claim, image, jobsRecord, notice } from '../../shared/operations/records.ts'
import { storeSuite } from '../../shared/store/store-suite.ts'
import { NO_QUOTA, replace, replaceJobs } from '../../shared/store/writes.ts'
import { type DynamodbLocal, startDynamodbLocal, whyNoDynamodbLocal } from './dynamodb-local.ts'

const DAY_MS = 86_400_000
const problem = { code: 'upstream-refused' as const, detail: 'x' }
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
  const keyOf = ({ operationId }: Operation) => ({ pk: { S: `operation#${operationId}` } })
  return {
    store: dynamodbStore(client, TableName),
    /** Opens the same table with a faulty client. */
    through: (faulty: DynamoDBClient) => dynamodbStore(faulty, TableName),
    async expiryOf(operation: Operation) {
      const command = new GetItemCommand({ TableName, Key: keyOf(operation) })
      return (await client.send(command)).Item?.expiresAt?.N
    },
    /** Expires an operation as after 90 days. DynamoDB has not deleted the item yet. */
    async expire(operation: Operation) {
      const update = {
        TableName,
        Key: keyOf(operation),
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
  store: Store,
  more: Parameters<typeof claim>[0],
  quota: Parameters<Store['claim']>[1] = NO_QUOTA,
): Promise<ClaimResult[]> {
  const operations = Array.from({ length: 200 }, () => accept(claim(more), by(5_000)))
  return Promise.all(operations.map((operation) => store.claim(operation, quota)))
}

function withOutcome(results: ClaimResult[], outcome: string) {
  return results.filter((result) => result.outcome === outcome)
}

function sent(operation: Operation): Operation {
  return startAttempt(operation, 2_000, by(2_000))
}

function conflicted(operation: Operation): Operation {
  return markConflict(markUnknown(sent(operation), problem, by(3_000)), [], by(4_000))
}

/** Writes an operation as if it had reached its state step by step. */
async function put(store: Store, operation: Operation): Promise<void> {
  expect(await replace(store, { ...operation, version: 2 })).toBe(true)
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
      expect(withOutcome(results, 'ok')).toHaveLength(1)
      const [holder] = await store.list({ limit: 9 })
      const held = Array(199).fill({ outcome: 'held', holder })
      expect(withOutcome(results, 'held')).toEqual(held)
    })

    test('one gets a released name, and the others get its holder', async () => {
      const { store } = await open()
      const first = accept(claim({ name: 'web' }), by(1_000))
      await store.claim(first, NO_QUOTA)
      await replace(store, reject(first, problem, by(2_000)))
      const results = await claimMany(store, { name: 'web' })
      expect(withOutcome(results, 'ok')).toHaveLength(1)
      const holder = await store.holder(imageNameHold('KR', 'web'))
      const held = Array(199).fill({ outcome: 'held', holder })
      expect(withOutcome(results, 'held')).toEqual(held)
      expect(await store.list({ limit: 9 })).toEqual([
        holder,
        expect.objectContaining({ version: 2 }),
      ])
    })

    test('as many succeed as the quota allows', async () => {
      const { store, keysOf } = await open()
      const results = await claimMany(store, {}, { quota: { max: 5, since: 0 } })
      expect(withOutcome(results, 'ok')).toHaveLength(5)
      expect(withOutcome(results, 'quota-spent')).toHaveLength(195)
      // Five operations with a key and a name each, and the counter.
      expect(await keysOf()).toHaveLength(16)
    })
  })

  describe('the quota', () => {
    test('counts operations from before the quota was set', async () => {
      const { store } = await open()
      for (let i = 0; i < 3; i++) await store.claim(accept(claim(), by(1_000)), NO_QUOTA)
      const claimed = async (dailyCreations: number, today = 0) =>
        (
          await store.claim(accept(claim(), by(today)), {
            quota: { max: dailyCreations, since: today },
          })
        ).outcome
      expect(await claimed(3)).toBe('quota-spent')
      expect(await claimed(4)).toBe('ok')
      expect(await claimed(1, DAY_MS)).toBe('ok')
    })

    test('of 0 allows no operation', async () => {
      const { store } = await open()
      const result = await store.claim(accept(claim(), by(1)), { quota: { max: 0, since: 0 } })
      expect(result).toEqual({ outcome: 'quota-spent' })
    })

    test('is checked last, even if a claim of the same key uses it up in between', async () => {
      const { store, through } = await open()
      const quota = { quota: { max: 1, since: 0 } }
      const first = accept(claim({ keyHash: 'same' }), by(1_000))
      let reads = 0
      const client = clientOf('GetItem', async (send) => {
        const answer = await send()
        if (++reads === 1) await store.claim(first, quota)
        return answer
      })
      const second = accept(claim({ keyHash: 'same' }), by(2_000))
      const held = { outcome: 'held', holder: first }
      expect(await through(client).claim(second, quota)).toEqual(held)
    })
  })

  describe('a write whose answer is lost', () => {
    test('succeeds by its repeat', async () => {
      const { store, through } = await open()
      const first = accept(claim(), by(1_000))
      await store.claim(first, NO_QUOTA)
      const { client, tries } = losingAnswer('PutItem')
      expect(await replace(through(client), sent(first))).toBe(true)
      expect(tries()).toBe(2)
      expect(await store.get('operation', first.operationId)).toEqual(sent(first))
    })

    test('fails if another write came first', async () => {
      const { store, through } = await open()
      const first = accept(claim(), by(1_000))
      await store.claim(first, NO_QUOTA)
      const other = reject(first, problem, by(2_000))
      await replace(store, other)
      const { client, tries } = losingAnswer('PutItem')
      expect(await replace(through(client), sent(first))).toBe(false)
      expect(tries()).toBe(2)
      expect(await store.get('operation', first.operationId)).toEqual(other)
    })

    test('succeeds with its notices, which are stored once', async () => {
      const { store, through } = await open()
      const first = accept(claim(), by(1_000))
      await store.claim(first, NO_QUOTA)
      const { client, tries } = losingAnswer('TransactWriteItems')
      expect(await replace(through(client), sent(first), [entry])).toBe(true)
      expect(tries()).toBe(2)
      expect(await store.get('operation', first.operationId)).toEqual(sent(first))
      expect(await store.due('notice', { target: 'ops', now: 9, limit: 9 })).toEqual([entry])
    })

    test('succeeds with its notices by a repeat that runs as a new transaction', async () => {
      const { store, through } = await open()
      const first = accept(claim(), by(1_000))
      await store.claim(first, NO_QUOTA)
      expect(await replace(through(repeating()), sent(first), [entry])).toBe(true)
      expect(await replaceJobs(through(repeating()), jobs, [notice('b', 9)])).toBe(true)
      expect(await store.get('jobs', 'all')).toEqual(jobs)
    })

    test('fails and stores no notices if another write came first', async () => {
      const { store, through } = await open()
      const first = accept(claim(), by(1_000))
      await store.claim(first, NO_QUOTA)
      await replace(store, reject(first, problem, by(2_000)))
      const { client } = losingAnswer('TransactWriteItems')
      expect(await replace(through(client), sent(first), [entry])).toBe(false)
      expect(await store.due('notice', { target: 'ops', now: 9, limit: 9 })).toEqual([])
    })

    test('succeeds as a claim, and is counted once', async () => {
      const { store, through } = await open()
      const quota = { quota: { max: 2, since: 0 } }
      const first = accept(claim(), by(1_000))
      const { client, tries } = losingAnswer('TransactWriteItems')
      expect(await through(client).claim(first, quota)).toEqual({ outcome: 'ok' })
      expect(tries()).toBe(2)
      const outcomes = []
      for (const at of [2_000, 3_000]) {
        outcomes.push((await store.claim(accept(claim(), by(at)), quota)).outcome)
      }
      expect(outcomes).toEqual(['ok', 'quota-spent'])
    })

    test('succeeds as a claim by a repeat that runs as a new transaction', async () => {
      const { through } = await open()
      const client = repeating()
      const first = accept(claim(), by(1_000))
      const quota = { quota: { max: 1, since: 0 } }
      expect(await through(client).claim(first, quota)).toEqual({ outcome: 'ok' })
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
      const first = accept(claim(), by(1_000))
      expect(await through(client).claim(first, NO_QUOTA)).toEqual({ outcome: 'ok' })
      expect(tries()).toBe(3)
      expect(await store.get('operation', first.operationId)).toEqual(first)
    })

    test('is retried as a change with notices', async () => {
      const { store, through } = await open()
      const first = accept(claim(), by(1_000))
      await store.claim(first, NO_QUOTA)
      const { client, tries } = cancelling(['TransactionConflict', 'None'])
      expect(await replace(through(client), sent(first), [entry])).toBe(true)
      expect(tries()).toBe(2)
    })

    test('is retried as a change that conflicts with another transaction', async () => {
      const { store, through } = await open()
      const first = accept(claim(), by(1_000))
      await store.claim(first, NO_QUOTA)
      let tries = 0
      const client = clientOf('PutItem', (send) => {
        if (++tries > 1) return send()
        throw new TransactionConflictException({ message: 'Conflict', $metadata: {} })
      })
      expect(await replace(through(client), sent(first))).toBe(true)
      expect(tries).toBe(2)
    })

    test('is given up after ten tries', async () => {
      const { store, through } = await open()
      const { client, tries } = cancelling(...Array(20).fill(none.with(3, 'TransactionConflict')))
      const first = accept(claim(), by(1_000))
      const start = performance.now()
      const claimed = through(client).claim(first, NO_QUOTA)
      await expect(claimed).rejects.toBeInstanceOf(TransactionCanceledException)
      expect(tries()).toBe(10)
      // The pauses between the tries add up to 2.8 s on average.
      expect(performance.now() - start).toBeGreaterThan(300)
      expect(await store.get('operation', first.operationId)).toBeUndefined()
    })

    test('is given up at once for a lasting reason', async () => {
      const { through } = await open()
      const { client, tries } = cancelling(none.with(0, 'ValidationError'))
      const claimed = through(client).claim(accept(claim(), by(1_000)), NO_QUOTA)
      await expect(claimed).rejects.toBeInstanceOf(TransactionCanceledException)
      expect(tries()).toBe(1)
    })
  })

  describe('the expiry of an operation', () => {
    const first = accept(claim({ name: 'web', keyHash: 'same' }), by(1_000))
    const finished = apply(sent(first), image('ready'), by(3_000))
    const again = (at: number) => accept(claim({ name: 'web', keyHash: 'same' }), by(at))

    test.each([
      ['rejected', reject(first, problem, by(2_000))],
      [
        'not_applied',
        markNotApplied(markUnknown(sent(first), problem, by(2_000)), 'absent', by(2_000)),
      ],
      ['applied', finished],
    ])('is 90 days after the last write in the state %s', async (_, done) => {
      const { store, expiryOf } = await open()
      await store.claim(first, NO_QUOTA)
      await put(store, done)
      const days = (Number(await expiryOf(first)) * 1_000 - Date.now()) / DAY_MS
      expect(days).toBeCloseTo(90, 3)
    })

    test.each([
      ['accepted', postponeLook(first, 9_000)],
      ['sending', sent(first)],
      ['unknown', markUnknown(sent(first), problem, by(3_000))],
      ['conflict', conflicted(first)],
      ['created with an image to follow', apply(sent(first), image('pending'), by(3_000))],
    ])('is not set in the state %s', async (_, busy) => {
      const { store, expiryOf } = await open()
      await store.claim(first, NO_QUOTA)
      expect(await expiryOf(first)).toBeUndefined()
      await put(store, busy)
      expect(await expiryOf(first)).toBeUndefined()
    })

    test('releases key and name, even if the item is not deleted yet', async () => {
      const { store, keysOf } = await open()
      await store.claim(first, NO_QUOTA)
      await put(store, finished)
      const now = Date.now()
      const clock = vi.spyOn(Date, 'now')
      onTestFinished(() => clock.mockRestore())
      const claimedAfter = async (days: number, operation = again(now)) => {
        clock.mockImplementation(() => now + days * DAY_MS)
        return store.claim(operation, NO_QUOTA)
      }
      expect(await claimedAfter(89)).toMatchObject({
        outcome: 'held',
        holder: { operationId: first.operationId },
      })
      const second = again(now)
      expect(await claimedAfter(91, second)).toEqual({ outcome: 'ok' })
      expect(await keysOf()).toContain(`operation#${first.operationId}`)
      expect(await store.holder(imageNameHold('KR', 'web'))).toEqual(second)
      expect(await claimedAfter(92)).toEqual({ outcome: 'held', holder: second })
    })

    test('hides the operation and refuses writes to it', async () => {
      const { store, expire } = await open()
      const other = accept(claim(), by(500))
      for (const one of [first, other]) await store.claim(one, NO_QUOTA)
      await put(store, finished)
      await expire(first)
      expect(await store.get('operation', first.operationId)).toBeUndefined()
      expect(await store.holder(imageNameHold('KR', 'web'))).toBeUndefined()
      expect(await store.list({ limit: 1 })).toEqual([other])
      expect(await replace(store, { ...finished, version: 3 })).toBe(false)
    })

    test('does not exist while it waits for a person, even after ten years', async () => {
      const { store } = await open()
      await store.claim(first, NO_QUOTA)
      await put(store, conflicted(first))
      const result = await store.claim(again(Date.now() + 3_650 * DAY_MS), NO_QUOTA)
      expect(result).toMatchObject({ outcome: 'held', holder: { state: 'conflict' } })
    })
  })

  test('a list reads several answers, each as large as possible', async () => {
    const { store, through } = await open()
    // Together more than 1 MB, the maximum of one answer.
    const description = 'x'.repeat(150_000)
    for (let at = 10; at < 20; at++) {
      const { name, ...rest } = claim()
      const input = { name, description, storages: [{ snapshotNo: '1' }] }
      const large = { ...rest, name, input }
      await store.claim(accept(large, by(at)), NO_QUOTA)
    }
    let answers = 0
    const client = clientOf('Query', (send) => {
      answers++
      return send()
    })
    const all = await through(client).list({ limit: 99, of: { caller: 'key:ci' } })
    expect(answers).toBeGreaterThan(1)
    const times = all.map(({ createdAt }) => createdAt)
    expect(times).toEqual([19, 18, 17, 16, 15, 14, 13, 12, 11, 10])
    expect(await store.list({ limit: 2 })).toEqual(all.slice(0, 2))
  })

  test('the index of due operations contains no settled operation', async () => {
    const { store, keysOf } = await open()
    const operations = [1_000, 2_000, 3_000].map((at) => accept(claim(), by(at)))
    for (const one of operations) await store.claim(one, NO_QUOTA)
    const [settled, open1, open2] = operations as [Operation, Operation, Operation]
    await put(store, reject(settled, problem, by(4_000)))
    const due = [open1, open2].map(({ operationId }) => `operation#${operationId}`)
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
    const operation = accept(claim(), by(1))
    await store.claim(operation, NO_QUOTA)
    await store.get('operation', operation.operationId)
    await store.holder(imageNameHold('KR', operation.name))
    expect(inputs).toEqual(Array(6).fill(expect.objectContaining({ ConsistentRead: true })))
  })

  test('throws any other failure', async () => {
    const store = dynamodbStore(clientOf(), 'no-such-table')
    const operation = accept(claim(), by(1))
    const missing = { name: 'ResourceNotFoundException' }
    await expect(replace(store, operation)).rejects.toMatchObject(missing)
    await expect(store.claim(operation, NO_QUOTA)).rejects.toMatchObject(missing)
    await expect(store.get('operation', operation.operationId)).rejects.toMatchObject(missing)
  })
})

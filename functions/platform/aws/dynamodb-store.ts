import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type CreateTableInput,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  type QueryInput,
  type TimeToLiveSpecification,
  TransactionCanceledException,
  TransactionConflictException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { holdsOf, type Operation } from '../../../shared/operations/operation.ts'
import { queueOf, type Row, readRecord, rowOf } from '../../../shared/store/records.ts'
import type { ClaimTerms, Listing, RecordType, Store } from '../../../shared/store/store.ts'
import { systemClock } from '../../../shared/web/clock.ts'

type Item = Record<string, AttributeValue>

const DAY_MS = 86_400_000

const FAILED = 'ConditionalCheckFailed'
/** The cancellation reasons of a transaction that may succeed a moment later. */
const TRANSIENT_REASONS = [
  FAILED,
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]
const MAX_ROUNDS = 10
const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 1_000

/** DynamoDB deletes expired items days late; until then they count as deleted. */
const UNEXPIRED = '(attribute_not_exists(expiresAt) OR expiresAt > :now)'

/**
 * The table, in the format of `CreateTable`, `UpdateTimeToLive` and CloudFormation. It stores the records; for everything
 * that operations hold the id of the operation that held it last; and for each caller and day the number of operations.
 * Those ids never expire: an id must outlive its operation, and is so small that an expiry in step with the operation's is
 * not worth its cost.
 */
export const TABLE_SCHEMA: Omit<CreateTableInput, 'TableName'> & {
  TimeToLiveSpecification: TimeToLiveSpecification
} = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'queue', AttributeType: 'S' },
    { AttributeName: 'caller', AttributeType: 'S' },
    { AttributeName: 'job', AttributeType: 'S' },
    { AttributeName: 'listKey', AttributeType: 'S' },
    { AttributeName: 'dueAt', AttributeType: 'N' },
  ],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  GlobalSecondaryIndexes: [
    index('inTime', 'queue', 'listKey'),
    index('ofCaller', 'caller', 'listKey'),
    index('ofJob', 'job', 'listKey'),
    index('due', 'queue', 'dueAt'),
  ],
  TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
}

function index(IndexName: string, hash: string, range: string) {
  return {
    IndexName,
    KeySchema: [
      { AttributeName: hash, KeyType: 'HASH' as const },
      { AttributeName: range, KeyType: 'RANGE' as const },
    ],
    Projection: { ProjectionType: 'ALL' as const },
  }
}

/** Stores records in a DynamoDB table with the schema `TABLE_SCHEMA`. */
export function dynamodbStore(client: DynamoDBClient, TableName: string): Store {
  async function item(pk: string): Promise<Item | undefined> {
    const input = { TableName, Key: { pk: { S: pk } }, ConsistentRead: true }
    return (await client.send(new GetItemCommand(input))).Item
  }

  async function get<Type extends RecordType>(type: Type, id: string) {
    const found = await item(recordPk({ type, id }))
    return found && Date.now() < expiryOf(found) ? recordOf(type, found) : undefined
  }

  /** Reads the last holder of something, and whether it holds it still. A holder never takes back what it released. */
  async function holding(hold: string) {
    const lastId = (await item(holdPk(hold)))?.operationId?.S
    const last = lastId === undefined ? undefined : await get('operation', lastId)
    return { hold, lastId, holder: last && holdsOf(last).includes(hold) ? last : undefined }
  }

  function handOver({ hold, lastId }: Held, operationId: string): TransactWriteItem {
    return {
      Put: {
        TableName,
        Item: { pk: { S: holdPk(hold) }, operationId: { S: operationId } },
        ConditionExpression: 'attribute_not_exists(pk) OR operationId = :lastId',
        ExpressionAttributeValues: { ':lastId': { S: lastId ?? 'nobody' } },
      },
    }
  }

  function count(pk: string, { max, since }: Required<ClaimTerms['quota']>): TransactWriteItem {
    return {
      Update: {
        TableName,
        Key: { pk: { S: pk } },
        UpdateExpression: 'SET expiresAt = :expiresAt ADD made :one',
        ConditionExpression: 'attribute_not_exists(made) OR made < :max',
        ExpressionAttributeValues: {
          ':expiresAt': seconds(since + 2 * DAY_MS),
          ':one': { N: '1' },
          ':max': { N: String(max) },
        },
      },
    }
  }

  // An index lags behind the table. Stale results do no harm, because every write is conditional.
  async function query<Type extends RecordType>(
    type: Type,
    limit: number,
    input: Omit<QueryInput, 'TableName' | 'Limit'>,
  ) {
    const found = []
    const all = paginateQuery({ client }, { TableName, Limit: limit, ...input })
    for await (const { Items = [] } of all) {
      found.push(...Items.map((one) => recordOf(type, one)))
      if (found.length >= limit) break
    }
    return found.slice(0, limit)
  }

  /** Returns the write that adds a record or replaces its previous version. */
  function put(row: Row, writeId: string, isNew = row.version === 1) {
    const condition = isNew
      ? `(attribute_not_exists(pk) OR expiresAt <= :now)`
      : `version = :before AND ${UNEXPIRED}`
    return {
      TableName,
      Item: itemOf(row, writeId),
      ConditionExpression: condition,
      ExpressionAttributeValues: {
        ...(!isNew && { ':before': { N: String(row.version - 1) } }),
        ':now': seconds(Date.now()),
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    }
  }

  async function write(puts: ReturnType<typeof put>[]): Promise<unknown> {
    const [first, ...more] = puts
    return first && more.length === 0
      ? client.send(new PutItemCommand(first))
      : client.send(new TransactWriteItemsCommand({ TransactItems: puts.map((Put) => ({ Put })) }))
  }

  return {
    async claim(operation, { quota, with: others = [] }) {
      const { operationId, caller } = operation
      const row = rowOf({ type: 'operation', record: operation })
      const { max = Number.MAX_SAFE_INTEGER, since } = quota
      const quotaPk = `quota#${caller}#${since}`
      const writeId = crypto.randomUUID()
      for (let round = 1; ; round++) {
        // Read first, although checked last: if a claim with the same key used up the quota, the key is then seen as held.
        const made = Number((await item(quotaPk))?.made?.N ?? 0)
        const holds = await Promise.all(row.holds.map(holding))
        const holder = holds.find((one) => one.holder)?.holder
        if (holder) return { outcome: 'held', holder }
        if (made >= max) return { outcome: 'quota-spent' }
        const TransactItems = [
          { Put: put(row, writeId, true) },
          ...holds.map((one) => handOver(one, operationId)),
          count(quotaPk, { max, since }),
          ...others.map((one) => ({ Put: put(rowOf(one), writeId) })),
        ]
        try {
          await client.send(new TransactWriteItemsCommand({ TransactItems }))
          return { outcome: 'ok' }
        } catch (error) {
          const reasons = reasonsOf(error)
          // The id is unique, so an earlier try succeeded and only its answer was lost.
          if (reasons[0] === FAILED) return { outcome: 'ok' }
          if (!isTransient(error) || round === MAX_ROUNDS) throw error
          if (!reasons.includes(FAILED)) await pause(round)
        }
      }
    },

    get,

    holder: async (hold) => (await holding(hold)).holder,

    async commit(records) {
      const writeId = crypto.randomUUID()
      const puts = records.map((one) => put(rowOf(one), writeId))
      for (let round = 1; ; round++) {
        try {
          await write(puts)
          return true
        } catch (error) {
          const failed = failedItems(error)
          // The client retries a write whose answer was lost, and the retry finds the items of the first try.
          if (failed.length > 0) return failed.some((one) => one.writeId?.S === writeId)
          if (round === MAX_ROUNDS || !isTransient(error)) throw error
          await pause(round)
        }
      }
    },

    due: (type, { now, limit, target }) =>
      query(type, limit, {
        IndexName: 'due',
        KeyConditionExpression: 'queue = :queue AND dueAt <= :now',
        ExpressionAttributeValues: {
          ':queue': { S: queueOf(type, target) },
          ':now': { N: String(now) },
        },
      }),

    list({ of, limit, after }) {
      const [IndexName, key, value] = indexFor(of)
      return query('operation', limit, {
        IndexName,
        KeyConditionExpression: `${key} = :value AND listKey < :after`,
        FilterExpression: UNEXPIRED,
        ExpressionAttributeValues: {
          ':value': { S: value },
          ':after': { S: after ? listKeyOf(after) : '~' },
          ':now': seconds(Date.now()),
        },
        ScanIndexForward: false,
      })
    },
  }
}

interface Held {
  hold: string
  /** The id of the operation that held it last. */
  lastId: string | undefined
}

/** Returns the index for a list, and the name and value of its partition key. */
function indexFor(of: Listing['of']): [index: string, key: string, value: string] {
  if (!of) return ['inTime', 'queue', queueOf('operation')]
  return 'caller' in of ? ['ofCaller', 'caller', of.caller] : ['ofJob', 'job', of.job]
}

/** Writes a row as an item. The record is authoritative; the other attributes are for queries and conditions. */
function itemOf(row: Row, writeId: string): Item {
  const { version, queue, dueAt, keepMs, caller, job, createdAt, id, json } = row
  return {
    pk: { S: recordPk(row) },
    version: { N: String(version) },
    queue: { S: queue },
    record: { S: json },
    writeId: { S: writeId },
    ...(dueAt !== null && { dueAt: { N: String(dueAt) } }),
    ...(keepMs !== null && { expiresAt: seconds(Date.now() + keepMs) }),
    ...(caller !== null && { caller: { S: caller } }),
    ...(job !== null && { job: { S: job } }),
    ...(createdAt !== null && { listKey: { S: listKeyOf({ createdAt, operationId: id }) } }),
  }
}

function recordOf<Type extends RecordType>(type: Type, { record }: Item) {
  return readRecord(type, String(record?.S))
}

/** Returns the time when an item expires, in milliseconds since the epoch. */
function expiryOf({ expiresAt }: Item): number {
  return Number(expiresAt?.N ?? Number.POSITIVE_INFINITY) * 1_000
}

function recordPk({ type, id }: Pick<Row, 'type' | 'id'>): string {
  return `${type}#${id}`
}

function holdPk(hold: string): string {
  return `hold#${hold}`
}

/** Returns the sort key of a list: the time, then the id for operations of the same millisecond. */
function listKeyOf({
  createdAt,
  operationId,
}: Pick<Operation, 'createdAt' | 'operationId'>): string {
  return `${String(createdAt).padStart(16, '0')}#${operationId}`
}

/** Returns the cancellation reason of each item of a transaction; empty for other errors. */
function reasonsOf(error: unknown): string[] {
  if (!(error instanceof TransactionCanceledException)) return []
  return (error.CancellationReasons ?? []).map(({ Code }) => String(Code))
}

/** True if a write may succeed a moment later. */
function isTransient(error: unknown): boolean {
  const isConflict = error instanceof TransactionConflictException
  return isConflict || reasonsOf(error).some((reason) => TRANSIENT_REASONS.includes(reason))
}

/** Returns the existing items that failed the conditions of a write; none for other errors. */
function failedItems(error: unknown): Item[] {
  if (error instanceof ConditionalCheckFailedException) return [error.Item ?? {}]
  if (!(error instanceof TransactionCanceledException)) return []
  const reasons = error.CancellationReasons ?? []
  return reasons.filter(({ Code }) => Code === FAILED).map(({ Item = {} }) => Item)
}

function pause(round: number): Promise<void> {
  return systemClock.sleep(Math.random() * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** round))
}

function seconds(milliseconds: number) {
  return { N: String(Math.floor(milliseconds / 1_000)) }
}

import {
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  type QueryInput,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import type { Log } from '../../../shared/log.ts'
import { holdsOf } from '../../../shared/operations/operation.ts'
import { queueOf, type Row, readRecord, readRecords, rowOf } from '../../../shared/store/records.ts'
import type { ClaimTerms, Listing, RecordType, Store } from '../../../shared/store/store.ts'
import { DAY_MS } from '../../../shared/web/durations.ts'
import {
  expiryOf,
  holdPk,
  type Item,
  itemOf,
  jsonOf,
  listKeyOf,
  recordPk,
  seconds,
} from './table.ts'
import { FAILED, failedItems, isTransient, pause, reasonsOf } from './write-failures.ts'

const MAX_ROUNDS = 10
/** DynamoDB deletes expired items days late; until then they count as deleted. */
const UNEXPIRED = '(attribute_not_exists(expiresAt) OR expiresAt > :now)'

/** Stores records in a DynamoDB table with the schema `TABLE_SCHEMA`. Logs records that cannot be read. */
export function dynamodbStore(
  client: DynamoDBClient,
  TableName: string,
  log: Log = () => {},
): Store {
  async function item(pk: string): Promise<Item | undefined> {
    const input = { TableName, Key: { pk: { S: pk } }, ConsistentRead: true }
    return (await client.send(new GetItemCommand(input))).Item
  }

  async function get<Type extends RecordType>(type: Type, id: string) {
    const found = await item(recordPk({ type, id }))
    return found && Date.now() < expiryOf(found) ? readRecord(type, jsonOf(found).json) : undefined
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
      found.push(...readRecords(type, Items.map(jsonOf), log))
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

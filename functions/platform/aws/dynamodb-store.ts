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
import type { JobsRecord } from '../../../shared/jobs/record.ts'
import { holdsKey, isLive, type Operation, statusOf } from '../../../shared/operations/operation.ts'
import type { Notice } from '../../../shared/outbox/notice.ts'
import type { Store } from '../../../shared/store/store.ts'
import { systemClock } from '../../../shared/web/clock.ts'

type Item = Record<string, AttributeValue>

const DAY_MS = 86_400_000
/** The retention of operations that are done. */
const RETENTION_MS = 90 * DAY_MS
/** The retention of notices that are done. */
const NOTICE_RETENTION_MS = 7 * DAY_MS
const JOBS_PK = 'jobs'
/** The states of operations that expire once they are not due any more. A conflict waits for a person without limit. */
const DONE = ['applied', 'rejected', 'not_applied']

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
 * The table, in the format of `CreateTable`, `UpdateTimeToLive` and CloudFormation. It stores operations; for each key and
 * each name the id of the operation that had it last; for each caller and day the number of operations; notices; and the
 * record of jobs. Only those ids and the record of jobs never expire: an id must outlive its operation, and is so small
 * that an expiry in step with the operation's is not worth its cost.
 */
export const TABLE_SCHEMA: Omit<CreateTableInput, 'TableName'> & {
  TimeToLiveSpecification: TimeToLiveSpecification
} = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'kind', AttributeType: 'S' },
    { AttributeName: 'caller', AttributeType: 'S' },
    { AttributeName: 'listKey', AttributeType: 'S' },
    { AttributeName: 'dueAt', AttributeType: 'N' },
  ],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  GlobalSecondaryIndexes: [
    index('inTime', 'kind', 'listKey'),
    index('ofCaller', 'caller', 'listKey'),
    index('due', 'kind', 'dueAt'),
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

/** Stores operations, notices and the record of jobs in a DynamoDB table with the schema `TABLE_SCHEMA`. */
export function dynamodbStore(client: DynamoDBClient, TableName: string): Store {
  async function item(pk: string): Promise<Item | undefined> {
    const input = { TableName, Key: { pk: { S: pk } }, ConsistentRead: true }
    return (await client.send(new GetItemCommand(input))).Item
  }

  async function read(operationId: string, now: number): Promise<Operation | undefined> {
    const found = await item(`operation#${operationId}`)
    const end = Number(found?.expiresAt?.N ?? Number.POSITIVE_INFINITY) * 1_000
    return found && now < end ? recordOf(found) : undefined
  }

  /** Reads the last holder of a key or a name, and whether it holds it still. A holder never takes a released one back. */
  async function holding(pk: string, holds: (operation: Operation) => boolean, now: number) {
    const lastId = (await item(pk))?.operationId?.S
    const last = lastId && (await read(lastId, now))
    return { lastId, holder: last && holds(last) ? last : undefined }
  }

  function handOver(pk: string, operationId: string, lastId = 'nobody'): TransactWriteItem {
    return {
      Put: {
        TableName,
        Item: { pk: { S: pk }, operationId: { S: operationId } },
        ConditionExpression: 'attribute_not_exists(pk) OR operationId = :lastId',
        ExpressionAttributeValues: { ':lastId': { S: lastId } },
      },
    }
  }

  function count(quotaPk: string, today: number, max: number): TransactWriteItem {
    return {
      Update: {
        TableName,
        Key: { pk: { S: quotaPk } },
        UpdateExpression: 'SET expiresAt = :expiresAt ADD made :one',
        ConditionExpression: 'attribute_not_exists(made) OR made < :max',
        ExpressionAttributeValues: {
          ':expiresAt': seconds(today + 2 * DAY_MS),
          ':one': { N: '1' },
          ':max': { N: String(max) },
        },
      },
    }
  }

  // An index lags behind the table. Stale results do no harm, because every write is conditional.
  async function query<Kept>(limit: number, input: Omit<QueryInput, 'TableName'>): Promise<Kept[]> {
    const kept: Kept[] = []
    for await (const { Items = [] } of paginateQuery({ client }, { TableName, ...input })) {
      kept.push(...Items.map(recordOf<Kept>))
      if (kept.length >= limit) break
    }
    return kept.slice(0, limit)
  }

  function due<Kept>(kind: string, now: number, limit: number): Promise<Kept[]> {
    return query(limit, {
      IndexName: 'due',
      KeyConditionExpression: 'kind = :kind AND dueAt <= :now',
      ExpressionAttributeValues: { ':kind': { S: kind }, ':now': { N: String(now) } },
      Limit: limit,
    })
  }

  function add(notice: Notice): TransactWriteItem {
    return { Put: { TableName, Item: noticeItemOf(notice) } }
  }

  /** Adds version 1 of an item or replaces the previous version, with notices; `false` if another write came first. */
  async function replaceItem(item: Item, version: number, notices: Notice[] = []) {
    const writeId = { S: crypto.randomUUID() }
    const condition = version > 1 ? 'version = :before' : 'attribute_not_exists(pk)'
    const Put = {
      TableName,
      Item: { ...item, writeId },
      ConditionExpression: `${condition} AND ${UNEXPIRED}`,
      ExpressionAttributeValues: {
        ...(version > 1 && { ':before': { N: String(version - 1) } }),
        ':now': seconds(Date.now()),
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    }
    for (let round = 1; ; round++) {
      try {
        await (notices.length > 0
          ? client.send(
              new TransactWriteItemsCommand({ TransactItems: [{ Put }, ...notices.map(add)] }),
            )
          : client.send(new PutItemCommand(Put)))
        return true
      } catch (error) {
        const existing = existingItem(error)
        // The client retries a write whose answer was lost, and the retry finds the item of the first try.
        if (existing) return existing.writeId?.S === writeId.S
        if (round === MAX_ROUNDS || !isTransient(error)) throw error
        await pause(round)
      }
    }
  }

  return {
    async claim(operation, { dailyCreations = Number.MAX_SAFE_INTEGER, today }, notices = []) {
      const { operationId, keyHash, regionCode, content, caller, createdAt } = operation
      const [keyPk, namePk] = [`key#${keyHash}`, namePkOf(regionCode, content.name)]
      const quotaPk = `quota#${caller}#${today}`
      for (let round = 1; ; round++) {
        // Read first, although checked last: if a claim with the same key used up the quota, the key is then seen as held.
        const made = Number((await item(quotaPk))?.made?.N ?? 0)
        const [ofKey, ofName] = await Promise.all([
          holding(keyPk, holdsKey, createdAt),
          holding(namePk, isLive, createdAt),
        ])
        if (ofKey.holder) return { outcome: 'key-held', holder: ofKey.holder }
        const takesName = isLive(operation)
        if (takesName && ofName.holder) {
          // Key and name are read separately. A claim between the two reads may have taken both.
          const isOfKey = ofName.holder.keyHash === keyHash
          return { outcome: isOfKey ? 'key-held' : 'name-held', holder: ofName.holder }
        }
        if (made >= dailyCreations) return { outcome: 'quota-spent' }
        const isNew = { ConditionExpression: 'attribute_not_exists(pk)' }
        const TransactItems = [
          { Put: { TableName, Item: itemOf(operation), ...isNew } },
          handOver(keyPk, operationId, ofKey.lastId),
          ...(takesName ? [handOver(namePk, operationId, ofName.lastId)] : []),
          count(quotaPk, today, dailyCreations),
          ...notices.map(add),
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

    read: (operationId) => read(operationId, Date.now()),

    async holderOf(regionCode, name) {
      return (await holding(namePkOf(regionCode, name), isLive, Date.now())).holder
    },

    replace: (next, notices) => replaceItem(itemOf(next), next.version, notices),

    list({ caller, status, limit, after }) {
      const [IndexName, hash] = caller === undefined ? ['inTime', 'kind'] : ['ofCaller', 'caller']
      return query(limit, {
        IndexName,
        KeyConditionExpression: `${hash} = :hash AND listKey < :after`,
        FilterExpression: status === undefined ? UNEXPIRED : `${UNEXPIRED} AND inStatus = :status`,
        ExpressionAttributeValues: {
          ':hash': { S: caller ?? 'operation' },
          ':after': { S: after ? listKeyOf(after) : '~' },
          ':now': seconds(Date.now()),
          ...(status !== undefined && { ':status': { S: status } }),
        },
        ScanIndexForward: false,
        // `Limit` counts items before the filter: a rare status would need many such small pages.
        ...(status === undefined && { Limit: limit }),
      })
    },

    due: (now, limit) => due('operation', now, limit),

    dueNotices: (target, now, limit) => due(noticeKindOf(target), now, limit),

    async readNotice(target, id) {
      const found = await item(noticePkOf({ target, id }))
      return found && recordOf(found)
    },

    replaceNotice: (next) => replaceItem(noticeItemOf(next), next.version),

    async readJobs() {
      const found = await item(JOBS_PK)
      return found && recordOf<JobsRecord>(found)
    },

    replaceJobs: (next, notices) =>
      replaceItem(
        {
          pk: { S: JOBS_PK },
          version: { N: String(next.version) },
          record: { S: JSON.stringify(next) },
        },
        next.version,
        notices,
      ),
  }
}

/** Writes an operation as an item. The record is authoritative; the other attributes are for queries and conditions. */
function itemOf(operation: Operation): Item {
  const { operationId, version, state, caller, dueAt } = operation
  const isDone = dueAt === null && DONE.includes(state)
  return {
    pk: { S: `operation#${operationId}` },
    kind: { S: 'operation' },
    version: { N: String(version) },
    inStatus: { S: statusOf(operation) },
    caller: { S: caller },
    listKey: { S: listKeyOf(operation) },
    record: { S: JSON.stringify(operation) },
    ...(dueAt !== null && { dueAt: { N: String(dueAt) } }),
    ...(isDone && { expiresAt: seconds(Date.now() + RETENTION_MS) }),
  }
}

function noticeItemOf(notice: Notice): Item {
  const { target, version, dueAt } = notice
  return {
    pk: { S: noticePkOf(notice) },
    kind: { S: noticeKindOf(target) },
    version: { N: String(version) },
    record: { S: JSON.stringify(notice) },
    ...(dueAt === null
      ? { expiresAt: seconds(Date.now() + NOTICE_RETENTION_MS) }
      : { dueAt: { N: String(dueAt) } }),
  }
}

function recordOf<Kept>({ record }: Item): Kept {
  return JSON.parse(String(record?.S))
}

function noticePkOf({ target, id }: Pick<Notice, 'target' | 'id'>): string {
  return `notice#${target}#${id}`
}

/** Returns the partition key of the index of due items: notices are queried by target. */
function noticeKindOf(target: string): string {
  return `notice#${target}`
}

function namePkOf(regionCode: string, name: string): string {
  return `name#${regionCode}#${name}`
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

/** Returns the existing item that failed a write's condition; `undefined` for other errors. */
function existingItem(error: unknown): Item | undefined {
  if (error instanceof ConditionalCheckFailedException) return error.Item ?? {}
  if (!(error instanceof TransactionCanceledException)) return undefined
  const [reason] = error.CancellationReasons ?? []
  return reason?.Code === FAILED ? (reason.Item ?? {}) : undefined
}

function pause(round: number): Promise<void> {
  return systemClock.sleep(Math.random() * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** round))
}

function seconds(milliseconds: number) {
  return { N: String(Math.floor(milliseconds / 1_000)) }
}

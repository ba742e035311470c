import type {
  AttributeValue,
  CreateTableInput,
  TimeToLiveSpecification,
} from '@aws-sdk/client-dynamodb'
import type { Operation } from '../../../shared/operations/operation.ts'
import type { Row } from '../../../shared/store/records.ts'

/** An item of the table. */
export type Item = Record<string, AttributeValue>

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

/** Writes a row as an item. The record is authoritative; the other attributes are for queries and conditions. */
export function itemOf(row: Row, writeId: string): Item {
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

/** Returns the record in an item as text, and its id. */
export function jsonOf({ pk, record }: Item): { id: string; json: string } {
  return { id: String(pk?.S).replace(/^[^#]+#/, ''), json: String(record?.S) }
}

/** Returns the time when an item expires, in milliseconds since the epoch. */
export function expiryOf({ expiresAt }: Item): number {
  return Number(expiresAt?.N ?? Number.POSITIVE_INFINITY) * 1_000
}

/** Returns the partition key of a record. */
export function recordPk({ type, id }: Pick<Row, 'type' | 'id'>): string {
  return `${type}#${id}`
}

/** Returns the partition key of something that operations hold. */
export function holdPk(hold: string): string {
  return `hold#${hold}`
}

/** Returns the sort key of a list: the time, then the id for operations of the same millisecond. */
export function listKeyOf({
  createdAt,
  operationId,
}: Pick<Operation, 'createdAt' | 'operationId'>): string {
  return `${String(createdAt).padStart(16, '0')}#${operationId}`
}

/** Writes a time in milliseconds as a number of seconds. */
export function seconds(milliseconds: number) {
  return { N: String(Math.floor(milliseconds / 1_000)) }
}

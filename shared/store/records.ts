import * as v from 'valibot'
import { JOBS_ID, JobsRecord } from '../jobs/record.ts'
import type { Log } from '../log.ts'
import { holdsOf, Operation } from '../operations/operation.ts'
import { Notice, noticeId } from '../outbox/notice.ts'
import { DAY_MS, MINUTE_MS } from '../web/durations.ts'
import type { RecordType, RecordTypes, StoredRecord } from './store.ts'

/** The time for which an operation is kept once it is done. */
const OPERATION_MS = 90 * DAY_MS
/**
 * The time for which a notice is kept once it is done, so that the same message of a chat cannot be added again: longer than
 * the signature of a chat is valid.
 */
const NOTICE_MS = 15 * MINUTE_MS

/** The states of operations that are done once they are not due any more. A conflict waits for a person without limit. */
const DONE = ['applied', 'rejected', 'not_applied']

const SCHEMAS = { operation: Operation, notice: Notice, jobs: JobsRecord }

/** A record as text, with everything that a store must know of it. */
export interface Row {
  type: RecordType
  id: string
  version: number
  /** Records that are due are read by queue. */
  queue: string
  dueAt: number | null
  /** The time for which the record is kept after this write; null for ever. */
  keepMs: number | null
  /** The caller of an operation; null for records that are not listed. */
  caller: string | null
  /** The job whose run it is. */
  job: string | null
  /** The time that decides the order in a list. */
  createdAt: number | null
  /** The names of everything that it holds, if it is an operation: see `holdsOf`. */
  holds: string[]
  json: string
}

/** Returns a record as a row. */
export function rowOf(stored: StoredRecord): Row {
  const { type, record } = stored
  const row = { type, id: idOf(stored), version: record.version, json: JSON.stringify(record) }
  const unlisted = { caller: null, job: null, createdAt: null, holds: [] }
  switch (type) {
    case 'operation': {
      const { dueAt, state, caller, run, createdAt } = record
      const isDone = dueAt === null && DONE.includes(state)
      const listed = { caller, job: run?.job ?? null, createdAt, holds: holdsOf(record) }
      return {
        ...row,
        queue: queueOf(type),
        dueAt,
        keepMs: isDone ? OPERATION_MS : null,
        ...listed,
      }
    }
    case 'notice': {
      const { dueAt, target } = record
      const keepMs = dueAt === null ? NOTICE_MS : null
      return { ...row, queue: queueOf(type, target), dueAt, keepMs, ...unlisted }
    }
    case 'jobs':
      return { ...row, queue: queueOf(type), dueAt: null, keepMs: null, ...unlisted }
  }
}

/** Returns the queue of a type of records, or of a target's notices. */
export function queueOf(type: RecordType, target?: string): string {
  return target === undefined ? type : `${type} ${target}`
}

/** Returns the id of a record within its type. */
function idOf({ type, record }: StoredRecord): string {
  switch (type) {
    case 'operation':
      return record.operationId
    case 'notice':
      return noticeId(record.target, record.id)
    case 'jobs':
      return JOBS_ID
  }
}

/** Reads the text of a record. Throws if it does not have the shape of its type. */
export function readRecord<Type extends RecordType>(type: Type, json: string): RecordTypes[Type] {
  const record: unknown = JSON.parse(json)
  // Not the parsed copy: fields that only a newer version of the relay knows must survive the next write.
  if (!v.is(SCHEMAS[type], record)) throw new Error(`A stored record of type ${type} is unreadable`)
  return record as RecordTypes[Type]
}

/**
 * Reads the records of a list. One that cannot be read is left out and logged, so that it does not stop all others.
 */
export function readRecords<Type extends RecordType>(
  type: Type,
  rows: { id: string; json: string }[],
  log: Log,
): RecordTypes[Type][] {
  return rows.flatMap(({ id, json }) => {
    try {
      return [readRecord(type, json)]
    } catch {
      const subject = type === 'operation' ? { operationId: id } : {}
      log({ event: 'store', code: 'internal', reason: `unreadable-${type}`, ...subject })
      return []
    }
  })
}

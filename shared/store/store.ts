import type { JobsRecord } from '../jobs/record.ts'
import type { Operation } from '../operations/operation.ts'
import type { Notice } from '../outbox/notice.ts'
import { Problem } from '../problem.ts'

/** The types of records, each with the content of its records. */
export interface RecordTypes {
  operation: Operation
  notice: Notice
  jobs: JobsRecord
}

/** The name of a type of records. */
export type RecordType = keyof RecordTypes

/** A record with its type. Its `version` counts its writes. */
export type StoredRecord = {
  [Type in RecordType]: { type: Type; record: RecordTypes[Type] }
}[RecordType]

/** The result of a claim: stored, or prevented by another operation or by the quota. */
export type ClaimResult =
  | { outcome: 'ok' }
  | { outcome: 'held'; holder: Operation }
  | { outcome: 'quota-spent' }

/** The conditions of a claim, and what is stored with it. */
export interface ClaimTerms {
  /** The maximum number of operations of the caller since the start of the day (midnight UTC, milliseconds since the epoch). */
  quota: { max?: number | undefined; since: number }
  /** New records that are stored with the operation, or not at all. */
  with?: StoredRecord[]
}

/** A query for operations, newest first. */
export interface Listing {
  /** Only those of a caller, or the runs of a job. */
  of?: { caller: string } | { job: string } | undefined
  /** The maximum number of operations. */
  limit: number
  /** Only operations that come after this one in the list. */
  after?: { createdAt: number; operationId: string } | undefined
}

/** A query for records that are due. */
export interface DueQuery {
  /** Milliseconds since the epoch. */
  now: number
  /** The maximum number of records. */
  limit: number
  /** The target of the notices; operations have one queue. */
  target?: string
}

/**
 * A store of versioned records. Each deployment has one. A write is atomic, and durable once its promise resolves. A record
 * that is done is forgotten after some time and then counts as absent: see `keepMs` in records.ts.
 */
export interface Store {
  /**
   * Adds a new operation. Checks before, in this order, that no other operation holds anything that it holds (see
   * `holdsOf`, which lists the key first), and that its caller has a quota left.
   */
  claim(operation: Operation, terms: ClaimTerms): Promise<ClaimResult>
  /** Reads a record by its id: for an operation its `operationId`, for a notice `noticeId`, for jobs `JOBS_ID`. */
  get<Type extends RecordType>(type: Type, id: string): Promise<RecordTypes[Type] | undefined>
  /** Reads the operation that holds something. */
  holder(hold: string): Promise<Operation | undefined>
  /**
   * Adds records of version 1, and replaces the previous version of others. Returns `false` without any effect if one of
   * them does not follow the stored version.
   */
  commit(records: StoredRecord[]): Promise<boolean>
  /** Reads records that are due, the earliest due time first. */
  due<Type extends RecordType>(type: Type, query: DueQuery): Promise<RecordTypes[Type][]>
  /** Reads operations, newest first. */
  list(listing: Listing): Promise<Operation[]>
}

/** The store of a relay without one: each method throws Problem `not-configured`. */
export const noStore: Store = {
  claim: refuse,
  get: refuse,
  holder: refuse,
  commit: refuse,
  due: refuse,
  list: refuse,
}

async function refuse(): Promise<never> {
  throw new Problem('not-configured', 'The relay has no durable store, so it cannot create images')
}

/** Returns a store whose failures are all Problem `store-unavailable`, each with its cause. */
export function withOneFailure(store: Store): Store {
  function fail(cause: unknown): never {
    if (cause instanceof Problem) throw cause
    const detail = 'The store of the relay failed. Repeat the request later'
    throw new Problem('store-unavailable', detail, { cause })
  }
  return {
    claim: (operation, terms) => store.claim(operation, terms).catch(fail),
    get: (type, id) => store.get(type, id).catch(fail),
    holder: (hold) => store.holder(hold).catch(fail),
    commit: (records) => store.commit(records).catch(fail),
    due: (type, query) => store.due(type, query).catch(fail),
    list: (listing) => store.list(listing).catch(fail),
  }
}

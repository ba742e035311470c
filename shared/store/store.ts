import type { JobsRecord } from '../jobs/record.ts'
import type { Operation } from '../operations/operation.ts'
import type { Status } from '../operations/state.ts'
import type { Notice } from '../outbox/notice.ts'
import { Problem } from '../problem.ts'

/** The result of a claim: stored, or prevented by another operation or by the quota. */
export type ClaimResult =
  | { outcome: 'ok' }
  | { outcome: 'key-held'; holder: Operation }
  | { outcome: 'name-held'; holder: Operation }
  | { outcome: 'quota-spent' }

/** A query for operations, newest first. */
export interface Listing {
  /** The name of a caller; without it, the operations of all callers. */
  caller?: string | undefined
  status?: Status | undefined
  /** The maximum number of operations. */
  limit: number
  /** Only operations that come after this one in the list. */
  after?: { createdAt: number; operationId: string } | undefined
}

/**
 * A store of operations, notices and the record of jobs. Each deployment has one. A write is atomic, including its notices,
 * and durable once its promise resolves.
 */
export interface Store {
  /**
   * Adds a new operation. Checks before, in this order, that no operation holds its key, that none holds its name in its
   * region, and that its caller has made fewer than `dailyCreations` since `today` (midnight UTC, milliseconds since the
   * epoch).
   */
  claim(
    operation: Operation,
    quota: { dailyCreations?: number | undefined; today: number },
    notices?: Notice[],
  ): Promise<ClaimResult>
  /** Reads an operation by its id. */
  read(operationId: string): Promise<Operation | undefined>
  /** Reads the live operation that holds a name. */
  holderOf(regionCode: string, name: string): Promise<Operation | undefined>
  /** Replaces the previous version; `false` and no effect if another write came first. */
  replace(next: Operation, notices?: Notice[]): Promise<boolean>
  /** Reads operations, newest first. */
  list(listing: Listing): Promise<Operation[]>
  /** Reads operations that are due at `now` (milliseconds since the epoch), the earliest due time first. */
  due(now: number, limit: number): Promise<Operation[]>
  /** Reads the notices of a target that are due at `now`, the earliest due time first. */
  dueNotices(target: string, now: number, limit: number): Promise<Notice[]>
  /** Reads a notice of a target by its id. A finished notice may be deleted. */
  readNotice(target: string, id: string): Promise<Notice | undefined>
  /**
   * Adds version 1 or replaces the previous version; `false` and no effect if another write came first. A finished notice
   * cannot be added again for 15 minutes, which is longer than the signature of a chat is valid.
   */
  replaceNotice(next: Notice): Promise<boolean>
  /** Reads the record of jobs; there is only one. */
  readJobs(): Promise<JobsRecord | undefined>
  /** Adds version 1 or replaces the previous version; `false` and no effect if another write came first. */
  replaceJobs(next: JobsRecord, notices: Notice[]): Promise<boolean>
}

/** The store of a relay without one: each method throws Problem `not-configured`. */
export const noStore: Store = {
  claim: refuse,
  read: refuse,
  holderOf: refuse,
  replace: refuse,
  list: refuse,
  due: refuse,
  dueNotices: refuse,
  readNotice: refuse,
  replaceNotice: refuse,
  readJobs: refuse,
  replaceJobs: refuse,
}

async function refuse(): Promise<never> {
  throw new Problem('not-configured', 'The relay has no durable store, so it cannot create images')
}

import type { Notice } from '../notice.ts'
import type { Creation } from './creation.ts'
import type { JobsRecord } from './jobs-record.ts'
import type { State } from './state.ts'

/** The result of a claim: stored, or stopped by another creation or by the quota. */
export type Claimed =
  | { outcome: 'claimed' }
  | { outcome: 'key-held'; holder: Creation }
  | { outcome: 'name-held'; holder: Creation }
  | { outcome: 'quota-spent' }

/** A query for creations, newest first. */
export interface Listing {
  /** Without one, the creations of all callers. */
  caller?: string | undefined
  state?: State | undefined
  limit: number
  /** Only creations that come after this one in the list. */
  after?: { createdAt: number; creationId: string } | undefined
}

/**
 * A store of creations, notices and the record of jobs; one for each deployment. A write is durable once its promise
 * resolves, and all or nothing, including its notices.
 */
export interface CreationStore {
  /**
   * Adds a new creation, unless its key is held, or its name in its region, or its caller has created
   * `dailyCreations` since `today` (midnight UTC, milliseconds since the epoch). The checks have this order.
   */
  claim(
    creation: Creation,
    quota: { dailyCreations?: number | undefined; today: number },
    notices?: Notice[],
  ): Promise<Claimed>
  /** Reads a creation by its id. */
  read(creationId: string): Promise<Creation | undefined>
  /** Reads the live creation that holds a name. */
  holderOf(regionCode: string, name: string): Promise<Creation | undefined>
  /** Replaces the previous version; `false` and no effect if another write came first. */
  replace(next: Creation, notices?: Notice[]): Promise<boolean>
  list(listing: Listing): Promise<Creation[]>
  /** Reads creations that are due by now (milliseconds since the epoch), the longest waiting first. */
  due(now: number, limit: number): Promise<Creation[]>
  /** Reads the notices of a target that are due by now, the longest waiting first. */
  dueNotices(target: string, now: number, limit: number): Promise<Notice[]>
  /** Reads a notice of a target by its id. A notice that is not due any more may be gone. */
  readNotice(target: string, id: string): Promise<Notice | undefined>
  /**
   * Adds version 1 or replaces the previous version; `false` and no effect if another write came first. A notice that
   * is not due any more cannot be added again for 15 minutes, which is longer than signatures of chats are valid.
   */
  replaceNotice(next: Notice): Promise<boolean>
  /** Reads the record of jobs; there is only one. */
  readJobs(): Promise<JobsRecord | undefined>
  /** Adds version 1 or replaces the previous version; `false` and no effect if another write came first. */
  replaceJobs(next: JobsRecord, notices: Notice[]): Promise<boolean>
}

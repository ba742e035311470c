import type { Notice } from '../notice.ts'
import { Problem } from '../problem.ts'
import type { Creation } from './creation.ts'
import type { JobsRecord } from './jobs-record.ts'
import type { State } from './state.ts'

/** The result of a claim: stored, or prevented by another creation or by the quota. */
export type Claimed =
  | { outcome: 'claimed' }
  | { outcome: 'key-held'; holder: Creation }
  | { outcome: 'name-held'; holder: Creation }
  | { outcome: 'quota-spent' }

/** A query for creations, newest first. */
export interface Listing {
  /** The name of a caller; without it, the creations of all callers. */
  caller?: string | undefined
  state?: State | undefined
  /** The maximum number of creations. */
  limit: number
  /** Only creations that come after this one in the list. */
  after?: { createdAt: number; creationId: string } | undefined
}

/**
 * A store of creations, notices and the record of jobs. Each deployment has one. A write is atomic, including its notices,
 * and durable once its promise resolves.
 */
export interface CreationStore {
  /**
   * Adds a new creation. Checks before, in this order, that no creation holds its key, that none holds its name in its
   * region, and that its caller has made fewer than `dailyCreations` since `today` (midnight UTC, milliseconds since the
   * epoch).
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
  /** Reads creations, newest first. */
  list(listing: Listing): Promise<Creation[]>
  /** Reads creations that are due at `now` (milliseconds since the epoch), the earliest due time first. */
  due(now: number, limit: number): Promise<Creation[]>
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
export const noStore: CreationStore = {
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

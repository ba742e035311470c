import type { Notice } from '../notice.ts'
import type { Creation, State } from './creation.ts'
import type { JobsRecord } from './jobs-record.ts'

/** What became of a claim: made, or which creation, or the quota, stood in its way. */
export type Claimed =
  | { outcome: 'claimed' }
  | { outcome: 'key-held'; holder: Creation }
  | { outcome: 'name-held'; holder: Creation }
  | { outcome: 'quota-spent' }

/** Which creations to list, newest first. */
export interface Listing {
  /** All callers' where there is none. */
  caller?: string | undefined
  state?: State | undefined
  limit: number
  /** Only those that come after this one. */
  after?: { createdAt: number; creationId: string } | undefined
}

/**
 * Where creations are kept, what is to be told of them, and what was seen of jobs. One store per deployment; every write
 * is durable when its promise is kept, and done as a whole or not at all, its notices with it.
 */
export interface CreationStore {
  /**
   * Adds a new creation, unless its key is held, or its name in its region while it is live, or its caller has made
   * `dailyCreations` since `today` (midnight UTC, milliseconds since the epoch). They are asked in this order.
   */
  claim(
    creation: Creation,
    quota: { dailyCreations?: number | undefined; today: number },
    notices?: Notice[],
  ): Promise<Claimed>
  /** The creation of that id. */
  read(creationId: string): Promise<Creation | undefined>
  /** The live creation that holds a name. */
  holderOf(regionCode: string, name: string): Promise<Creation | undefined>
  /** Replaces the version before; `false`, and nothing done, where another write came first. */
  replace(next: Creation, notices?: Notice[]): Promise<boolean>
  list(listing: Listing): Promise<Creation[]>
  /** Those that the tick is to look at by now (milliseconds since the epoch), the longest waiting first. */
  due(now: number, limit: number): Promise<Creation[]>
  /** What is to be told to a target by now, the longest waiting first. */
  dueNotices(target: string, now: number, limit: number): Promise<Notice[]>
  /** The notice of that id for a target. One that is no longer due may be gone. */
  readNotice(target: string, id: string): Promise<Notice | undefined>
  /**
   * Replaces the version before, or none by the first; `false`, and nothing done, where another write came first. For a quarter
   * of an hour, longer than the signatures of chats hold, one that is no longer due cannot be added again.
   */
  replaceNotice(next: Notice): Promise<boolean>
  /** What was seen of jobs; there is one record. */
  readJobs(): Promise<JobsRecord | undefined>
  /** Replaces the version before, or none by the first; `false`, and nothing done, where another write came first. */
  replaceJobs(next: JobsRecord, notices: Notice[]): Promise<boolean>
}

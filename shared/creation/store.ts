import type { Creation, State } from './creation.ts'

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

/** Where creations are kept. One store per deployment; every write is durable when its promise is kept. */
export interface CreationStore {
  /**
   * Adds a new creation in one transaction, unless its key or its name in its region is held, or its caller has made
   * `dailyCreations` since `today` (midnight UTC, milliseconds since the epoch). They are asked in this order.
   */
  claim(
    creation: Creation,
    quota: { dailyCreations?: number | undefined; today: number },
  ): Promise<Claimed>
  /** The creation of that id. */
  read(creationId: string): Promise<Creation | undefined>
  /** The live creation that holds a name. */
  holderOf(regionCode: string, name: string): Promise<Creation | undefined>
  /** Replaces the version before; `false`, and nothing done, where another write came first. */
  replace(next: Creation): Promise<boolean>
  list(listing: Listing): Promise<Creation[]>
  /** Those that the tick is to look at by now (milliseconds since the epoch), the longest waiting first. */
  due(now: number, limit: number): Promise<Creation[]>
}

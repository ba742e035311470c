import type { Clock } from './clock.ts'
import type { CreationStore } from './creation/store.ts'
import type { Log } from './log.ts'
import type { Gateway } from './ncloud/gateway.ts'
import type { Site } from './ncloud/sites.ts'

/** Everything that the work of one request or one tick needs. Functions take it as their last argument. */
export interface Context {
  /** The site of NAVER Cloud. It is part of the hash of every key. */
  site: Site
  gateway: Gateway
  store: CreationStore
  clock: Clock
  /** The names of the targets that can be notified, including the queues of chats. */
  targets: string[]
  /** The author of changes: a caller's name, or `tick`. */
  actor: string
  /** The time when all work must have ended: milliseconds since the epoch. */
  deadline: number
  log: Log
}

import type { Log } from './log.ts'
import type { Gateway } from './ncloud/gateway.ts'
import type { Site } from './ncloud/sites.ts'
import type { Store } from './store/store.ts'
import type { Clock } from './web/clock.ts'

/** Everything that the work of one request or one tick needs. Functions take it as their last argument. */
export interface Context {
  /** The name of this relay, part of the hash of every key: two relays in one NCP account need different names. */
  relayName: string
  /** The site of NAVER Cloud, part of the hash of every key. */
  site: Site
  gateway: Gateway
  store: Store
  clock: Clock
  /** The names of the targets that can be notified, including the queues of chats. */
  targets: string[]
  /** The author of changes: a caller's name, or `tick`. */
  actor: string
  /** The time when all work must have ended: milliseconds since the epoch. */
  deadline: number
  /** The time limit of a read of NAVER Cloud in milliseconds: 10 s by default. */
  readLimitMs?: number | undefined
  log: Log
}

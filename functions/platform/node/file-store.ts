import { setTimeout as sleep } from 'node:timers/promises'
import { type Log, reasonOf } from '../../../shared/log.ts'
import { sqliteStore } from '../../../shared/store/sqlite-store.ts'
import type { Store } from '../../../shared/store/store.ts'
import { openSqlite } from './sqlite-file.ts'

/** The time for which a call waits while another process has the database locked. */
const MAX_WAIT_MS = 4_000
/** The time for which a call waits if the database has been locked for longer than that. */
const MIN_WAIT_MS = 250
/** The time for which opening the database waits: nothing is answered meanwhile, but a failure lasts until a restart. */
const MAX_OPEN_WAIT_MS = 15_000
const MIN_PAUSE_MS = 5
const MAX_PAUSE_MS = 50

/** Opens the store in a SQLite file, and waits while another process has the file locked. */
export function openFileStore(file: string, log: Log): Promise<{ store: Store; close(): void }> {
  return lockPatience(MAX_OPEN_WAIT_MS)(() => {
    const database = openSqlite(file)
    try {
      return { store: waitForLocks(sqliteStore(database, log)), close: database.close }
    } catch (error) {
      database.close()
      throw error
    }
  })
}

/**
 * Returns a function that repeats work while another process has the SQLite database locked, without blocking this
 * process. A request makes several calls, and together they must not wait much longer than one: so all calls share the
 * time since the lock was first met.
 */
function lockPatience(maxWaitMs = MAX_WAIT_MS) {
  let lockedSince: number | undefined

  return async <Result>(work: () => Result | Promise<Result>): Promise<Result> => {
    const earliestEnd = performance.now() + MIN_WAIT_MS
    for (;;) {
      try {
        const result = await work()
        lockedSince = undefined
        return result
      } catch (error) {
        if (reasonOf(error) !== 'SQLITE_BUSY') throw error
        const now = performance.now()
        lockedSince ??= now
        if (now >= Math.max(earliestEnd, lockedSince + maxWaitMs)) throw error
      }
      await sleep(MIN_PAUSE_MS + Math.random() * (MAX_PAUSE_MS - MIN_PAUSE_MS))
    }
  }
}

/**
 * Returns a SQLite store whose calls wait for the locks of other processes. Each call of the store is one transaction or
 * one statement, so that a call that met a lock had no effect and can be repeated.
 */
function waitForLocks(store: Store): Store {
  // A process that is about to write lets others read: a read that succeeds does not show that writes do.
  const reading = lockPatience()
  const writing = lockPatience()
  return {
    claim: (operation, terms) => writing(() => store.claim(operation, terms)),
    get: (type, id) => reading(() => store.get(type, id)),
    holder: (hold) => reading(() => store.holder(hold)),
    commit: (records) => writing(() => store.commit(records)),
    due: (type, query) => reading(() => store.due(type, query)),
    list: (listing) => reading(() => store.list(listing)),
  }
}

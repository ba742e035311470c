import type { JobsRecord } from '../jobs/record.ts'
import { holdsKey, isLive, type Operation, statusOf } from '../operations/operation.ts'
import type { Notice } from '../outbox/notice.ts'
import { MINUTE_MS } from '../web/durations.ts'
import type { ClaimResult, Listing, Store } from './store.ts'

/** The part of SQLite that the store uses; `node:sqlite` and Durable Objects both have it. */
export interface Sqlite {
  /** Runs one statement and returns its rows. */
  run(sql: string, ...values: (string | number | null)[]): Record<string, unknown>[]
  /** Runs `work` as one transaction. */
  transaction<Result>(work: () => Result): Result
}

/** The time for which the store remembers a finished notice. */
const DONE_NOTICE_MS = 15 * MINUTE_MS

// The record column is the source of truth; the other columns are for queries.
const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS operations (
    operation_id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    key_hash TEXT NOT NULL,
    holds_key INTEGER NOT NULL,
    region_code TEXT NOT NULL,
    name TEXT NOT NULL,
    is_live INTEGER NOT NULL,
    caller TEXT NOT NULL,
    status TEXT NOT NULL,
    due_at INTEGER,
    created_at INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT`,
  'CREATE UNIQUE INDEX IF NOT EXISTS operation_of_key ON operations (key_hash) WHERE holds_key = 1',
  'CREATE UNIQUE INDEX IF NOT EXISTS operation_of_name ON operations (region_code, name) WHERE is_live = 1',
  'CREATE INDEX IF NOT EXISTS operations_of_caller ON operations (caller, created_at, operation_id)',
  'CREATE INDEX IF NOT EXISTS operations_in_time ON operations (created_at, operation_id)',
  'CREATE INDEX IF NOT EXISTS operations_due ON operations (due_at) WHERE due_at IS NOT NULL',
  `CREATE TABLE IF NOT EXISTS notices (
    target TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (target, id)
  ) STRICT`,
  'CREATE INDEX IF NOT EXISTS notices_due ON notices (target, due_at)',
  `CREATE TABLE IF NOT EXISTS delivered (
    target TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (target, id)
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS jobs (
    version INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT`,
]

/** Opens a store in a SQLite database, and creates missing tables. */
export function sqliteStore(sqlite: Sqlite): Store {
  sqlite.transaction(() => {
    for (const statement of SCHEMA) sqlite.run(statement)
  })

  function one(condition: string, ...values: (string | number)[]): Operation | undefined {
    const [row] = sqlite.run(`SELECT record FROM operations WHERE ${condition}`, ...values)
    return row && recordOf<Operation>(row)
  }

  function noticeOf(target: string, id: string): Notice | undefined {
    const [row] = sqlite.run('SELECT record FROM notices WHERE target = ? AND id = ?', target, id)
    return row && recordOf<Notice>(row)
  }

  function add(notices: Notice[]) {
    for (const notice of notices) {
      sqlite.run(
        'INSERT INTO notices (version, due_at, record, target, id) VALUES (?, ?, ?, ?, ?)',
        notice.version,
        notice.dueAt,
        JSON.stringify(notice),
        notice.target,
        notice.id,
      )
    }
  }

  function holderOf(regionCode: string, name: string) {
    return one('region_code = ? AND name = ? AND is_live = 1', regionCode, name)
  }

  return {
    claim: async (operation, { dailyCreations, today }, notices = []) =>
      sqlite.transaction((): ClaimResult => {
        const ofKey = one('key_hash = ? AND holds_key = 1', operation.keyHash)
        if (ofKey) return { outcome: 'key-held', holder: ofKey }
        const ofName = holderOf(operation.regionCode, operation.content.name)
        if (ofName && isLive(operation)) return { outcome: 'name-held', holder: ofName }
        if (dailyCreations !== undefined) {
          const made = sqlite.run(
            'SELECT 1 FROM operations WHERE caller = ? AND created_at >= ? LIMIT ?',
            operation.caller,
            today,
            dailyCreations,
          )
          if (made.length >= dailyCreations) return { outcome: 'quota-spent' }
        }
        sqlite.run(
          `INSERT INTO operations (version, holds_key, is_live, status, due_at, record, operation_id, key_hash,
           region_code, name, caller, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          ...changing(operation),
          operation.operationId,
          operation.keyHash,
          operation.regionCode,
          operation.content.name,
          operation.caller,
          operation.createdAt,
        )
        add(notices)
        return { outcome: 'ok' }
      }),

    read: async (operationId) => one('operation_id = ?', operationId),

    holderOf: async (regionCode, name) => holderOf(regionCode, name),

    replace: async (next, notices = []) =>
      sqlite.transaction(() => {
        const rows = sqlite.run(
          `UPDATE operations SET version = ?, holds_key = ?, is_live = ?, status = ?, due_at = ?, record = ?
           WHERE operation_id = ? AND version = ? RETURNING version`,
          ...changing(next),
          next.operationId,
          next.version - 1,
        )
        if (rows.length === 1) add(notices)
        return rows.length === 1
      }),

    async list({ caller, status, limit, after }: Listing) {
      const conditions = ['1 = 1']
      const values: (string | number)[] = []
      const where = (condition: string, ...given: (string | number)[]) => {
        conditions.push(condition)
        values.push(...given)
      }
      if (caller !== undefined) where('caller = ?', caller)
      if (status !== undefined) where('status = ?', status)
      if (after) where('(created_at, operation_id) < (?, ?)', after.createdAt, after.operationId)
      const rows = sqlite.run(
        `SELECT record FROM operations WHERE ${conditions.join(' AND ')}
         ORDER BY created_at DESC, operation_id DESC LIMIT ?`,
        ...values,
        limit,
      )
      return rows.map(recordOf<Operation>)
    },

    async due(now, limit) {
      const due = 'SELECT record FROM operations WHERE due_at <= ? ORDER BY due_at LIMIT ?'
      return sqlite.run(due, now, limit).map(recordOf<Operation>)
    },

    async dueNotices(target, now, limit) {
      const due =
        'SELECT record FROM notices WHERE target = ? AND due_at <= ? ORDER BY due_at LIMIT ?'
      return sqlite.run(due, target, now, limit).map(recordOf<Notice>)
    },

    readNotice: async (target, id) => noticeOf(target, id),

    replaceNotice: async (next) =>
      sqlite.transaction(() => {
        const { target, id, version, dueAt } = next
        if (version === 1) {
          const delivered = sqlite.run(
            'SELECT 1 FROM delivered WHERE target = ? AND id = ?',
            target,
            id,
          )
          const isNew = !noticeOf(target, id) && delivered.length === 0
          if (isNew) add([next])
          return isNew
        }
        const which = 'WHERE target = ? AND id = ? AND version = ? RETURNING id'
        if (dueAt !== null) {
          const write = `UPDATE notices SET version = ?, due_at = ?, record = ? ${which}`
          const record = JSON.stringify(next)
          return sqlite.run(write, version, dueAt, record, target, id, version - 1).length === 1
        }
        const done = sqlite.run(`DELETE FROM notices ${which}`, target, id, version - 1)
        if (done.length === 0) return false
        const now = Date.now()
        sqlite.run('DELETE FROM delivered WHERE at < ?', now - DONE_NOTICE_MS)
        sqlite.run('INSERT INTO delivered (target, id, at) VALUES (?, ?, ?)', target, id, now)
        return true
      }),

    async readJobs() {
      const [row] = sqlite.run('SELECT record FROM jobs')
      return row && recordOf<JobsRecord>(row)
    },

    replaceJobs: async (next, notices) =>
      sqlite.transaction(() => {
        const [row] = sqlite.run('SELECT version FROM jobs')
        if ((row?.version ?? 0) !== next.version - 1) return false
        const write = row
          ? 'UPDATE jobs SET version = ?, record = ?'
          : 'INSERT INTO jobs (version, record) VALUES (?, ?)'
        sqlite.run(write, next.version, JSON.stringify(next))
        add(notices)
        return true
      }),
  }
}

function changing(operation: Operation): (string | number | null)[] {
  return [
    operation.version,
    Number(holdsKey(operation)),
    Number(isLive(operation)),
    statusOf(operation),
    operation.dueAt,
    JSON.stringify(operation),
  ]
}

function recordOf<Kept>(row: Record<string, unknown>): Kept {
  return JSON.parse(String(row.record))
}

import { MINUTE_MS } from '../durations.ts'
import type { Notice } from '../notice.ts'
import { type Creation, holdsKey, isLive } from './creation.ts'
import type { JobsRecord } from './jobs-record.ts'
import type { Claimed, CreationStore, Listing } from './store.ts'

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
  `CREATE TABLE IF NOT EXISTS creations (
    creation_id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    key_hash TEXT NOT NULL,
    holds_key INTEGER NOT NULL,
    region_code TEXT NOT NULL,
    name TEXT NOT NULL,
    is_live INTEGER NOT NULL,
    caller TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at INTEGER,
    created_at INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT`,
  'CREATE UNIQUE INDEX IF NOT EXISTS creation_of_key ON creations (key_hash) WHERE holds_key = 1',
  'CREATE UNIQUE INDEX IF NOT EXISTS creation_of_name ON creations (region_code, name) WHERE is_live = 1',
  'CREATE INDEX IF NOT EXISTS creations_of_caller ON creations (caller, created_at, creation_id)',
  'CREATE INDEX IF NOT EXISTS creations_in_time ON creations (created_at, creation_id)',
  'CREATE INDEX IF NOT EXISTS creations_due ON creations (due_at) WHERE due_at IS NOT NULL',
  `CREATE TABLE IF NOT EXISTS notices (
    target TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (target, id)
  ) STRICT`,
  'CREATE INDEX IF NOT EXISTS notices_due ON notices (target, due_at)',
  `CREATE TABLE IF NOT EXISTS told (
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
export function sqliteStore(sqlite: Sqlite): CreationStore {
  sqlite.transaction(() => {
    for (const statement of SCHEMA) sqlite.run(statement)
  })

  function one(condition: string, ...values: (string | number)[]): Creation | undefined {
    const [row] = sqlite.run(`SELECT record FROM creations WHERE ${condition}`, ...values)
    return row && recordOf<Creation>(row)
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
    claim: async (creation, { dailyCreations, today }, notices = []) =>
      sqlite.transaction((): Claimed => {
        const ofKey = one('key_hash = ? AND holds_key = 1', creation.keyHash)
        if (ofKey) return { outcome: 'key-held', holder: ofKey }
        const ofName = holderOf(creation.regionCode, creation.content.name)
        if (ofName && isLive(creation)) return { outcome: 'name-held', holder: ofName }
        if (dailyCreations !== undefined) {
          const made = sqlite.run(
            'SELECT 1 FROM creations WHERE caller = ? AND created_at >= ? LIMIT ?',
            creation.caller,
            today,
            dailyCreations,
          )
          if (made.length >= dailyCreations) return { outcome: 'quota-spent' }
        }
        sqlite.run(
          `INSERT INTO creations (version, holds_key, is_live, state, due_at, record, creation_id, key_hash,
           region_code, name, caller, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          ...changing(creation),
          creation.creationId,
          creation.keyHash,
          creation.regionCode,
          creation.content.name,
          creation.caller,
          creation.createdAt,
        )
        add(notices)
        return { outcome: 'claimed' }
      }),

    read: async (creationId) => one('creation_id = ?', creationId),

    holderOf: async (regionCode, name) => holderOf(regionCode, name),

    replace: async (next, notices = []) =>
      sqlite.transaction(() => {
        const rows = sqlite.run(
          `UPDATE creations SET version = ?, holds_key = ?, is_live = ?, state = ?, due_at = ?, record = ?
           WHERE creation_id = ? AND version = ? RETURNING version`,
          ...changing(next),
          next.creationId,
          next.version - 1,
        )
        if (rows.length === 1) add(notices)
        return rows.length === 1
      }),

    async list({ caller, state, limit, after }: Listing) {
      const conditions = ['1 = 1']
      const values: (string | number)[] = []
      const where = (condition: string, ...given: (string | number)[]) => {
        conditions.push(condition)
        values.push(...given)
      }
      if (caller !== undefined) where('caller = ?', caller)
      if (state !== undefined) where('state = ?', state)
      if (after) where('(created_at, creation_id) < (?, ?)', after.createdAt, after.creationId)
      const rows = sqlite.run(
        `SELECT record FROM creations WHERE ${conditions.join(' AND ')}
         ORDER BY created_at DESC, creation_id DESC LIMIT ?`,
        ...values,
        limit,
      )
      return rows.map(recordOf<Creation>)
    },

    async due(now, limit) {
      const due = 'SELECT record FROM creations WHERE due_at <= ? ORDER BY due_at LIMIT ?'
      return sqlite.run(due, now, limit).map(recordOf<Creation>)
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
          const told = sqlite.run('SELECT 1 FROM told WHERE target = ? AND id = ?', target, id)
          const isNew = !noticeOf(target, id) && told.length === 0
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
        sqlite.run('DELETE FROM told WHERE at < ?', now - DONE_NOTICE_MS)
        sqlite.run('INSERT INTO told (target, id, at) VALUES (?, ?, ?)', target, id, now)
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

function changing(creation: Creation): (string | number | null)[] {
  return [
    creation.version,
    Number(holdsKey(creation)),
    Number(isLive(creation)),
    creation.state,
    creation.dueAt,
    JSON.stringify(creation),
  ]
}

function recordOf<Kept>(row: Record<string, unknown>): Kept {
  return JSON.parse(String(row.record))
}

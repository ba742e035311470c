import type { Log } from '../log.ts'
import type { Operation } from '../operations/operation.ts'
import { queueOf, type Row, readRecord, readRecords, rowOf } from './records.ts'
import type { ClaimResult, ClaimTerms, Listing, RecordType, Store } from './store.ts'

/** The part of SQLite that the store uses; `node:sqlite` and Durable Objects both have it. */
export interface Sqlite {
  /** Runs one statement and returns its rows. */
  run(sql: string, ...values: Value[]): Record<string, unknown>[]
  /** Runs `work` as one transaction. */
  transaction<Result>(work: () => Result): Result
}

type Value = string | number | null

// The column `json` is the source of truth; the other columns are for queries.
const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS records (
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    queue TEXT NOT NULL,
    due_at INTEGER,
    expires_at INTEGER,
    caller TEXT,
    job TEXT,
    created_at INTEGER,
    json TEXT NOT NULL,
    PRIMARY KEY (type, id)
  ) STRICT`,
  'CREATE INDEX IF NOT EXISTS due ON records (queue, due_at) WHERE due_at IS NOT NULL',
  'CREATE INDEX IF NOT EXISTS expired ON records (expires_at) WHERE expires_at IS NOT NULL',
  'CREATE INDEX IF NOT EXISTS in_time ON records (type, created_at, id) WHERE created_at IS NOT NULL',
  'CREATE INDEX IF NOT EXISTS of_caller ON records (caller, created_at, id) WHERE caller IS NOT NULL',
  'CREATE INDEX IF NOT EXISTS of_job ON records (job, created_at, id) WHERE job IS NOT NULL',
  `CREATE TABLE IF NOT EXISTS holds (
    hold TEXT PRIMARY KEY,
    operation_id TEXT NOT NULL
  ) STRICT`,
  'CREATE INDEX IF NOT EXISTS holds_of ON holds (operation_id)',
]

/** Opens a store in a SQLite database, and creates missing tables. Logs records that cannot be read. */
export function sqliteStore(sqlite: Sqlite, log: Log = () => {}): Store {
  sqlite.transaction(() => {
    for (const statement of SCHEMA) sqlite.run(statement)
  })

  function select(type: RecordType, rest: string, ...values: Value[]) {
    const unexpired = '(expires_at IS NULL OR expires_at > ?)'
    const select = `SELECT id, created_at, json FROM records WHERE type = ? AND ${unexpired} ${rest}`
    const rows = sqlite.run(select, type, Date.now(), ...values)
    return rows.map(({ id, created_at, json }) => {
      return { id: String(id), createdAt: Number(created_at), json: String(json) }
    })
  }

  function one<Type extends RecordType>(type: Type, condition: string, value: string) {
    const [row] = select(type, condition, value)
    return row && readRecord(type, row.json)
  }

  function holderOf(hold: string): Operation | undefined {
    return one('operation', 'AND id = (SELECT operation_id FROM holds WHERE hold = ?)', hold)
  }

  function deleteExpired(now: number) {
    const expired = 'SELECT id FROM records WHERE expires_at <= ?'
    sqlite.run(`DELETE FROM holds WHERE operation_id IN (${expired})`, now)
    sqlite.run('DELETE FROM records WHERE expires_at <= ?', now)
  }

  function follows({ type, id, version }: Row): boolean {
    const [row] = sqlite.run('SELECT version FROM records WHERE type = ? AND id = ?', type, id)
    return (row?.version ?? 0) === version - 1
  }

  function write({ keepMs, ...row }: Row, now: number) {
    const { type, id, version, queue, dueAt, caller, job, createdAt, json } = row
    sqlite.run(
      `INSERT INTO records (type, id, version, queue, due_at, expires_at, caller, job, created_at, json)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET version = excluded.version, due_at = excluded.due_at,
       expires_at = excluded.expires_at, json = excluded.json`,
      ...[type, id, version, queue, dueAt, keepMs && now + keepMs, caller, job, createdAt, json],
    )
  }

  /** Deletes what an operation has released. It never takes it back. */
  function release({ id, holds }: Row) {
    const others = 'hold NOT IN (SELECT value FROM json_each(?))'
    sqlite.run(`DELETE FROM holds WHERE operation_id = ? AND ${others}`, id, JSON.stringify(holds))
  }

  function isSpent({ max, since }: ClaimTerms['quota'], caller: string): boolean {
    if (max === undefined) return false
    const count = 'SELECT 1 FROM records WHERE caller = ? AND created_at >= ? LIMIT ?'
    return sqlite.run(count, caller, since, max).length >= max
  }

  function list({ of, limit, after }: Listing): Operation[] {
    const [condition, values] = conditionOf(of)
    const position = after ? [after.createdAt, after.operationId] : [Number.MAX_SAFE_INTEGER, '']
    const rest = `AND ${condition} AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?`
    const rows = select('operation', rest, ...values, ...position, limit)
    const found = readRecords('operation', rows, log)
    const last = rows.at(-1)
    // A page is full although one of its records cannot be read; a shorter one would be the last.
    if (!last || rows.length < limit || found.length === limit) return found
    const { id: operationId, createdAt } = last
    const missing = limit - found.length
    return [...found, ...list({ of, limit: missing, after: { createdAt, operationId } })]
  }

  return {
    claim: async (operation, { quota, with: others = [] }) =>
      sqlite.transaction((): ClaimResult => {
        const now = Date.now()
        deleteExpired(now)
        const row = rowOf({ type: 'operation', record: operation })
        for (const hold of row.holds) {
          const holder = holderOf(hold)
          if (holder) return { outcome: 'held', holder }
        }
        if (isSpent(quota, operation.caller)) return { outcome: 'quota-spent' }
        for (const one of [row, ...others.map(rowOf)]) write(one, now)
        for (const hold of row.holds) sqlite.run('INSERT INTO holds VALUES (?, ?)', hold, row.id)
        return { outcome: 'ok' }
      }),

    get: async (type, id) => one(type, 'AND id = ?', id),

    holder: async (hold) => holderOf(hold),

    commit: async (records) =>
      sqlite.transaction(() => {
        const now = Date.now()
        deleteExpired(now)
        const rows = records.map(rowOf)
        if (!rows.every(follows)) return false
        for (const row of rows) {
          write(row, now)
          if (row.type === 'operation') release(row)
        }
        return true
      }),

    async due(type, { now, limit, target }) {
      const rest = 'AND queue = ? AND due_at <= ? ORDER BY due_at LIMIT ?'
      return readRecords(type, select(type, rest, queueOf(type, target), now, limit), log)
    },

    list: async (listing) => list(listing),
  }
}

function conditionOf(of: Listing['of']): [condition: string, values: string[]] {
  if (!of) return ['created_at IS NOT NULL', []]
  return 'caller' in of ? ['caller = ?', [of.caller]] : ['job = ?', [of.job]]
}

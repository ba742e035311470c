import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Sqlite } from '../../../shared/creation/sqlite-store.ts'

/** A SQLite database in a file, or in memory for `:memory:`; on Node, Deno and Bun alike. */
export function openSqlite(file: string): Sqlite & { close(): void } {
  const database = new DatabaseSync(file)
  const statements = new Map<string, StatementSync>()
  // Another process that writes is waited for. No WAL: of several that switch to it at once, all but one fail.
  database.exec('PRAGMA busy_timeout = 5000')
  // What is acknowledged survives a power cut: FULL does not sync the folder after the journal is deleted.
  database.exec('PRAGMA synchronous = EXTRA')

  return {
    run(sql, ...values) {
      const statement = statements.get(sql) ?? database.prepare(sql)
      statements.set(sql, statement)
      return statement.all(...values)
    },
    transaction(work) {
      database.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        database.exec('COMMIT')
        return result
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
    close: () => database.close(),
  }
}

import { closeSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import type { StatementSync } from 'node:sqlite'
import { reasonOf } from '../../../shared/log.ts'
import type { Sqlite } from '../../../shared/store/sqlite-store.ts'

/** Opens a SQLite database in a file, or in memory for `:memory:`, on Node, Deno and Bun. */
export function openSqlite(file: string): Sqlite & { close(): void } {
  // Not an import: a Node without this module must load the server, which then reports that it is too old.
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
  const database = new DatabaseSync(file)
  const statements = new Map<string, StatementSync>()
  // Waits for other processes that write. No WAL: if several processes switch to it at once, all but one fail.
  database.exec('PRAGMA busy_timeout = 5000')
  // Acknowledged writes survive a power cut: FULL does not sync the folder after deleting the journal.
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

const REASONS: Record<string, string> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  NotCapable: 'Deno needs --allow-read and --allow-write for it',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
}

/** Returns the path of a database file that cannot be opened, and the reason. */
export function openFailure(file: string): { path: string; reason: string } {
  return { path: resolve(file), reason: reasonFor(file) }
}

/** Finds the reason by opening the file without SQLite, which has one code for most reasons. */
function reasonFor(file: string): string {
  try {
    closeSync(openSync(file, 'a'))
    return 'it is not a SQLite database, or it is damaged'
  } catch (error) {
    const reason = reasonOf(error) ?? ''
    return REASONS[reason] ?? reason
  }
}

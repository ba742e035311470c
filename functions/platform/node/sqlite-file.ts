import { closeSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import type { SQLInputValue, StatementSync } from 'node:sqlite'
import { reasonOf } from '../../../shared/log.ts'
import type { Sqlite } from '../../../shared/store/sqlite-store.ts'

/** The primary result codes of SQLite that the relay distinguishes or logs by name. Source: https://sqlite.org/rescode.html */
const CODES: Record<number, string> = {
  5: 'SQLITE_BUSY',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  26: 'SQLITE_NOTADB',
}

/** Opens a SQLite database in a file, or in memory for `:memory:`, on Node, Deno and Bun. */
export function openSqlite(file: string): Sqlite & { close(): void } {
  // Not an import: a Node without this module must load the server, which then reports that it is too old.
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
  createForOwner(file)
  const database = new DatabaseSync(file)
  const statements = new Map<string, StatementSync>()
  /** Runs a statement. Not `exec`: on Deno, its errors have no result code. */
  function run(sql: string, ...values: SQLInputValue[]) {
    try {
      const statement = statements.get(sql) ?? database.prepare(sql)
      statements.set(sql, statement)
      return statement.all(...values)
    } catch (error) {
      throw withCode(error)
    }
  }

  /** Ends a failed transaction. After some errors SQLite has already done so, and the first error must not be lost. */
  function rollBack() {
    try {
      run('ROLLBACK')
    } catch {}
  }

  try {
    // SQLite waits for other processes in this thread, so that nothing is answered meanwhile. `openFileStore` waits instead.
    run('PRAGMA busy_timeout = 0')
    // Acknowledged writes survive a power cut: FULL does not sync the folder after deleting the journal. No WAL: if several
    // processes switch to it at once, all but one fail.
    run('PRAGMA synchronous = EXTRA')
  } catch (error) {
    database.close()
    throw error
  }

  return {
    run,
    transaction(work) {
      run('BEGIN IMMEDIATE')
      try {
        const result = work()
        run('COMMIT')
        return result
      } catch (error) {
        rollBack()
        throw error
      }
    },
    close: () => database.close(),
  }
}

/** Creates a missing file so that only its owner can read it. SQLite gives the same mode to the journal. */
function createForOwner(file: string): void {
  if (file === ':memory:' || file.startsWith('file:')) return
  try {
    closeSync(openSync(file, 'a', 0o600))
  } catch {
    // SQLite decides whether the file can be used: it can also open one that is read-only.
  }
}

/** Gives SQLite's own name to an error as its code, for the log. The runtimes have one code for all errors. */
function withCode(error: unknown): unknown {
  const { errcode } = error as { errcode?: number }
  const code = CODES[(errcode ?? 0) & 0xff]
  return code === undefined ? error : Object.assign(error as Error, { code })
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
export function openFailure(file: string, error: unknown): { path: string; reason: string } {
  const isLocked = reasonOf(error) === 'SQLITE_BUSY'
  const reason = isLocked ? 'another process has locked it for too long' : reasonFor(file)
  return { path: resolve(file), reason }
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

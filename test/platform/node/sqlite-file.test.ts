import { execFile } from 'node:child_process'
import { chmodSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openSqlite } from '../../../functions/platform/node/sqlite-file.ts'
import type { LogEvent } from '../../../shared/log.ts'
import type { Operation } from '../../../shared/operations/operation.ts'
import { accept } from '../../../shared/operations/transitions.ts'
import { sqliteStore } from '../../../shared/store/sqlite-store.ts'
import { by, claim, notice } from '../../shared/operations/records.ts'
import { raceSuite } from '../../shared/store/race-suite.ts'
import { storeSuite } from '../../shared/store/store-suite.ts'
import { NO_QUOTA, replaceNotice } from '../../shared/store/writes.ts'
import { scaled } from '../../support/counts.ts'

describe('the store over node:sqlite', () => {
  storeSuite(async () => sqliteStore(openSqlite(':memory:')))
})

test('remembers a finished notice for 15 minutes', async () => {
  const start = Date.now()
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => start)
  onTestFinished(() => clock.mockRestore())
  const database = openSqlite(':memory:')
  const store = sqliteStore(database)
  const finishNotice = async (id: string) => {
    const isNew = await replaceNotice(store, notice(id, 1))
    await replaceNotice(store, { ...notice(id, 1), version: 2, dueAt: null })
    return isNew
  }
  expect(await finishNotice('a')).toBe(true)
  clock.mockImplementation(() => start + 899_999)
  expect([await finishNotice('a'), await finishNotice('b')]).toEqual([false, true])
  clock.mockImplementation(() => start + 900_000)
  expect([await finishNotice('c'), await finishNotice('a'), await finishNotice('b')]).toEqual([
    true,
    true,
    false,
  ])
  database.close()
})

describe('races over node:sqlite', () => {
  raceSuite(async () => sqliteStore(openSqlite(':memory:')), scaled(100))
})

describe('a file', () => {
  let folder = ''
  afterEach(() => rm(folder, { recursive: true }))

  test('keeps its records when it is opened again, also while another connection has it open', async () => {
    folder = await mkdtemp(join(tmpdir(), 'store-'))
    const file = join(folder, 'relay.sqlite')
    const operation = accept(claim(), by(1))
    const first = openSqlite(file)
    await sqliteStore(first).claim(operation, NO_QUOTA)
    const second = openSqlite(file)
    const outcome = await sqliteStore(second).claim(operation, NO_QUOTA)
    expect(outcome).toEqual({ outcome: 'held', holder: operation })
    first.close()
    second.close()
    const again = openSqlite(file)
    expect(await sqliteStore(again).get('operation', operation.operationId)).toEqual(operation)
    again.close()
  })
})

test('four processes can open a new database at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'store-'))
  const module = (path: string) => new URL(`../../../${path}`, import.meta.url)
  const file = JSON.stringify(join(folder, 'relay.sqlite'))
  const at = Date.now() + 700
  const opening = `import { openFileStore } from '${module('functions/platform/node/file-store.ts')}'
    while (Date.now() < ${at});
    await openFileStore(${file}, () => {})`
  const open = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', opening])
  const opened = await Promise.allSettled(Array.from({ length: 4 }, open))
  await rm(folder, { recursive: true })
  expect(opened.map(({ status }) => status)).toEqual(Array(4).fill('fulfilled'))
})

test('rolls back a transaction that fails', () => {
  const sqlite = openSqlite(':memory:')
  sqlite.run('CREATE TABLE things (name TEXT)')
  const failing = () =>
    sqlite.transaction(() => {
      sqlite.run('INSERT INTO things VALUES (?)', 'one')
      throw new Error('Stop')
    })
  expect(failing).toThrow('Stop')
  expect(sqlite.run('SELECT * FROM things')).toEqual([])
})

describe('a record that cannot be read', () => {
  test('is left out of lists and of what is due, and is logged', async () => {
    const database = openSqlite(':memory:')
    const events: LogEvent[] = []
    const store = sqliteStore(database, (event) => events.push(event))
    const [oldest, broken, newest] = [1, 2, 3].map((at) => accept(claim(), by(at))) as [
      Operation,
      Operation,
      Operation,
    ]
    for (const one of [oldest, broken, newest]) await store.claim(one, NO_QUOTA)
    const { operationId } = broken
    database.run('UPDATE records SET json = ? WHERE id = ?', '{"version":1}', operationId)
    // A page is as long as asked for, so that nobody takes it for the last one.
    expect(await store.list({ limit: 2 })).toEqual([newest, oldest])
    const due = await store.due('operation', { now: 60_000, limit: 9 })
    expect(due).toEqual([oldest, newest])
    const logged = { event: 'store', code: 'internal', reason: 'unreadable-operation', operationId }
    expect(events).toEqual([logged, logged])
    await expect(store.get('operation', operationId)).rejects.toThrow('unreadable')
    database.close()
  })
})

test('throws the first error of a transaction that SQLite already rolled back', () => {
  const sqlite = openSqlite(':memory:')
  sqlite.run('CREATE TABLE things (name TEXT)')
  sqlite.run('PRAGMA max_page_count = 5')
  const filling = () =>
    sqlite.transaction(() => sqlite.run('INSERT INTO things VALUES (?)', 'x'.repeat(100_000)))
  expect(filling).toThrow(expect.objectContaining({ code: 'SQLITE_FULL' }))
  expect(sqlite.transaction(() => sqlite.run('SELECT * FROM things'))).toEqual([])
})

test('creates the file and its journal for the owner alone, and leaves the mode of an existing file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'store-'))
  const file = join(folder, 'relay.sqlite')
  const modeOf = (name: string) => statSync(name).mode & 0o777
  const database = openSqlite(file)
  database.transaction(() => {
    database.run('CREATE TABLE things (name TEXT)')
    expect([modeOf(file), modeOf(`${file}-journal`)]).toEqual([0o600, 0o600])
  })
  database.close()
  chmodSync(file, 0o640)
  openSqlite(file).close()
  expect(modeOf(file)).toBe(0o640)
  await rm(folder, { recursive: true })
})

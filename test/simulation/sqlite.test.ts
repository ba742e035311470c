import { describe } from 'vitest'
import { openSqlite } from '../../functions/platform/node/sqlite-file.ts'
import { sqliteStore } from '../../shared/store/sqlite-store.ts'
import { simulationSuite } from './suite.ts'

describe('operations in SQLite', () => {
  simulationSuite('SQLite', () => sqliteStore(openSqlite(':memory:')))
})

import { describe } from 'vitest'
import { memoryStore } from './memory-store.ts'
import { storeSuite } from './store-suite.ts'

describe('the store in memory', () => {
  storeSuite(async () => memoryStore())
})

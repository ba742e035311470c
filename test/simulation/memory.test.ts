import { describe } from 'vitest'
import { memoryStore } from '../shared/store/memory-store.ts'
import { simulationSuite } from './suite.ts'

describe('operations in memory', () => {
  simulationSuite('memory', memoryStore)
})

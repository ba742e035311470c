import { describe } from 'vitest'
import { memoryStore } from '../shared/creation/memory-store.ts'
import { simulationSuite } from './suite.ts'

describe('creations in memory', () => {
  simulationSuite('memory', memoryStore)
})

import { describe } from 'vitest'
import { builtNames, openDoor } from '../doors.ts'
import { paritySuite } from './parity-suite.ts'

describe.concurrent.each(builtNames)('the relay through %s', (name) => {
  paritySuite((environment) => openDoor(name, environment))
})

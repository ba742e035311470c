import { describe } from 'vitest'
import { builtNames, openDoor } from '../doors.ts'
import { bodySuite } from './body-suite.ts'

describe.each(builtNames)('the relay through %s', (name) => {
  bodySuite((environment) => openDoor(name, environment))
})

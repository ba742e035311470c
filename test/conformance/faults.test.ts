import { describe } from 'vitest'
import { builtNames, openApp, openDoor } from '../doors.ts'
import { faultSuite } from './fault-suite.ts'

describe.concurrent('the app in this process', () => faultSuite(openApp))

describe.concurrent.each(builtNames)('the relay through %s', (name) => {
  const poolsCreates = name.startsWith('workerd')
  faultSuite((environment) => openDoor(name, environment), { poolsCreates })
})

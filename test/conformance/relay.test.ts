import { describe } from 'vitest'
import { doorNames, openApp, openDoor } from '../doors.ts'
import { relaySuite } from './relay-suite.ts'

describe('the app in this process', () => relaySuite(openApp))

describe.each(doorNames)('the relay through %s', (name) => {
  const takesRay = name.startsWith('workerd')
  relaySuite((environment) => openDoor(name, environment), { takesRay })
})

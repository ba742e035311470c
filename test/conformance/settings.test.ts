import { describe } from 'vitest'
import { builtNames, openApp, openDoor } from '../doors.ts'
import { settingsSuite, wrongAnywhere, wrongTypes } from './settings-suite.ts'

describe('the app in this process', () => settingsSuite(openApp, [...wrongAnywhere, ...wrongTypes]))

describe.each(builtNames)('the relay through %s', (name) => {
  const wrong = name.startsWith('workerd') ? [...wrongAnywhere, ...wrongTypes] : wrongAnywhere
  settingsSuite((environment) => openDoor(name, environment), wrong)
})

import { describe, expect } from 'vitest'
import { doorNames, openDoor } from '../doors.ts'
import { FIRE_PATH } from '../elsewhere.ts'
import { chatsSuite } from './chats-suite.ts'

describe.concurrent.each(doorNames)('the relay through %s', (name) => {
  chatsSuite(async (environment, origins) => {
    const door = await openDoor(name, environment, origins)
    const fire = async () => {
      const answer = await fetch(door.url + FIRE_PATH)
      expect(await answer.text()).toBe('ok')
    }
    return name.startsWith('workerd') ? { ...door, fire } : door
  })
})

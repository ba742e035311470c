import { describe, expect } from 'vitest'
import { isCampaign } from '../support/counts.ts'
import { builtNames, doorNames, openApp, openDoor } from '../support/doors.ts'
import { FIRE_PATH } from '../support/elsewhere.ts'
import { bodySuite } from './body-suite.ts'
import { chatsSuite } from './chats-suite.ts'
import { faultSuite } from './fault-suite.ts'
import { hostSuite } from './host-suite.ts'
import { paritySuite } from './parity-suite.ts'
import { relaySuite } from './relay-suite.ts'
import { settingsSuite, wrongAnywhere, wrongTypes } from './settings-suite.ts'

describe.concurrent('the app in this process', () => {
  describe('serves callers', { concurrent: false }, () => relaySuite(openApp))
  describe('refuses faulty settings', () => {
    settingsSuite(openApp, [...wrongAnywhere, ...wrongTypes])
  })
  describe('reports faults of the gateway', () => faultSuite(openApp))
})

describe.concurrent.each(doorNames)('the relay through %s', (name) => {
  const isWorker = name.startsWith('workerd')
  const open = (environment: Parameters<typeof openDoor>[1]) => openDoor(name, environment)

  describe('serves callers', { concurrent: false }, () => relaySuite(open, { takesRay: isWorker }))

  // Chats see no difference between sources and built files, so only campaigns test both.
  if (!isCampaign && !builtNames.includes(name)) return
  describe('answers chats', () => {
    chatsSuite(async (environment, origins) => {
      const door = await openDoor(name, environment, origins)
      const fire = async () => {
        const answer = await fetch(door.url + FIRE_PATH)
        expect(await answer.text()).toBe('ok')
      }
      return isWorker ? { ...door, fire } : door
    })
  })

  if (!builtNames.includes(name)) return
  const part = builtNames.indexOf(name)
  describe('limits bodies', { concurrent: false }, () => bodySuite(open))
  describe('routes by the request line', () => hostSuite(open, { isWorker }))
  describe('refuses faulty settings', { concurrent: false }, () => {
    settingsSuite(open, isWorker ? [...wrongAnywhere, ...wrongTypes] : wrongAnywhere, { part })
  })
  describe('answers like the app', { concurrent: false }, () => paritySuite(open))
  describe('reports faults of the gateway', () => {
    faultSuite(open, { poolsCreates: isWorker, part })
  })
})

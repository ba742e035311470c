import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import {
  type CreationsObject,
  storeIn,
} from '../../../functions/platform/cloudflare/creations-object.ts'
import type { CreationStore } from '../../../shared/creation/store.ts'
import { campaign } from '../../simulation/campaign.ts'
import { sweep } from '../../simulation/crash-sweep.ts'

const EVICT_EVERY = 40

const { CREATIONS, SCHEDULES } = env as unknown as {
  CREATIONS: DurableObjectNamespace<CreationsObject>
  SCHEDULES: string
}
let objects = 0
let calls = 0

/** A store in an object of its own, which is evicted now and then after a call. */
function evicted(): CreationStore {
  const id = CREATIONS.idFromName(`simulated-${++objects}`)
  const namespace = { idFromName: () => id, get: () => CREATIONS.get(id) }
  const store = storeIn(namespace as unknown as typeof CREATIONS)
  const call = async <Value>(act: () => Promise<Value>) => {
    const value = await act()
    if (++calls % EVICT_EVERY === 0) await evictDurableObject(CREATIONS.get(id))
    return value
  }
  return {
    claim: (...claim) => call(() => store.claim(...claim)),
    read: (creationId) => call(() => store.read(creationId)),
    holderOf: (...name) => call(() => store.holderOf(...name)),
    replace: (...next) => call(() => store.replace(...next)),
    list: (listing) => call(() => store.list(listing)),
    due: (...due) => call(() => store.due(...due)),
    dueNotices: (...due) => call(() => store.dueNotices(...due)),
    readNotice: (...of) => call(() => store.readNotice(...of)),
    replaceNotice: (next) => call(() => store.replaceNotice(next)),
    readJobs: () => call(() => store.readJobs()),
    replaceJobs: (...next) => call(() => store.replaceJobs(...next)),
  }
}

test(`creations in a Durable Object that is evicted survive ${SCHEDULES} schedules`, async () => {
  const { faults, tally } = await campaign(0, Number(SCHEDULES), evicted)
  console.log('Durable Object', JSON.stringify(tally))
  expect(faults).toEqual([])
})

test('and a create that is ended at each step and at each pair of steps', async () => {
  const { faults, ...counts } = await sweep('made, answer lost', evicted)
  console.log('Durable Object', JSON.stringify(counts))
  expect(faults).toEqual([])
})

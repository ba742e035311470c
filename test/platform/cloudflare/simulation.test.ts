import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import {
  type OperationsObject,
  storeIn,
} from '../../../functions/platform/cloudflare/operations-object.ts'
import type { Store } from '../../../shared/store/store.ts'
import { campaign } from '../../simulation/campaign.ts'
import { sweep } from '../../simulation/crash-sweep.ts'
import { isCampaign } from '../../support/counts.ts'

const EVICT_EVERY = 40

const { OPERATIONS, SCHEDULES } = env as unknown as {
  OPERATIONS: DurableObjectNamespace<OperationsObject>
  SCHEDULES: string
}
let objects = 0
let calls = 0

/** Opens a store in a new Durable Object, which is evicted after some calls. */
function evicted(): Store {
  const id = OPERATIONS.idFromName(`simulated-${++objects}`)
  const namespace = { idFromName: () => id, get: () => OPERATIONS.get(id) }
  const store = storeIn(namespace as unknown as typeof OPERATIONS)
  const call = async <Value>(act: () => Promise<Value>) => {
    const value = await act()
    if (++calls % EVICT_EVERY === 0) await evictDurableObject(OPERATIONS.get(id))
    return value
  }
  return {
    claim: (...claim) => call(() => store.claim(...claim)),
    get: (type, id) => call(() => store.get(type, id)),
    holder: (hold) => call(() => store.holder(hold)),
    commit: (records) => call(() => store.commit(records)),
    list: (listing) => call(() => store.list(listing)),
    due: (type, query) => call(() => store.due(type, query)),
  }
}

test(`operations survive ${SCHEDULES} schedules in a Durable Object that is evicted`, async () => {
  const { faults, tally } = await campaign(0, Number(SCHEDULES), evicted)
  console.log('Durable Object', JSON.stringify(tally))
  expect(faults).toEqual([])
})

test('a create survives a crash at each step and at pairs of steps', async () => {
  const { faults, ...counts } = await sweep('made, answer lost', evicted, {
    pairsEvery: isCampaign ? 1 : 10,
  })
  console.log('Durable Object', JSON.stringify(counts))
  expect(faults).toEqual([])
})

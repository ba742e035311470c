import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import {
  type CreationsObject,
  storeIn,
} from '../../../functions/platform/cloudflare/creations-object.ts'
import { accepted } from '../../../shared/creation/creation.ts'
import type { CreationStore } from '../../../shared/creation/store.ts'
import { raceSuite } from '../../shared/creation/race-suite.ts'
import { by, claim } from '../../shared/creation/records.ts'
import { storeSuite } from '../../shared/creation/store-suite.ts'
import { scaled } from '../../support/counts.ts'

const { CREATIONS } = env as unknown as { CREATIONS: DurableObjectNamespace<CreationsObject> }
let objects = 0

/** Opens a store in a new Durable Object. */
async function fresh(): Promise<CreationStore> {
  const name = `object-${++objects}`
  return storeIn({
    idFromName: () => CREATIONS.idFromName(name),
    get: (id: DurableObjectId) => CREATIONS.get(id),
  } as unknown as typeof CREATIONS)
}

describe('the store in a Durable Object', () => {
  storeSuite(fresh)
})

describe('races in a Durable Object', () => {
  raceSuite(fresh, scaled(100))
})

test('the store survives the eviction of its Durable Object', async () => {
  const store = storeIn(CREATIONS)
  const creation = accepted(claim(), by(1))
  await store.claim(creation, { today: 0 })
  await evictDurableObject(CREATIONS.get(CREATIONS.idFromName('creations')))
  expect(await store.read(creation.creationId)).toEqual(creation)
})

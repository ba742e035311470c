import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import {
  type OperationsObject,
  storeIn,
} from '../../../functions/platform/cloudflare/operations-object.ts'
import { accept } from '../../../shared/operations/transitions.ts'
import type { Store } from '../../../shared/store/store.ts'
import { by, claim } from '../../shared/operations/records.ts'
import { raceSuite } from '../../shared/store/race-suite.ts'
import { storeSuite } from '../../shared/store/store-suite.ts'
import { NO_QUOTA } from '../../shared/store/writes.ts'
import { scaled } from '../../support/counts.ts'

const { OPERATIONS } = env as unknown as { OPERATIONS: DurableObjectNamespace<OperationsObject> }
let objects = 0

/** Opens a store in a new Durable Object. */
async function fresh(): Promise<Store> {
  const name = `object-${++objects}`
  return storeIn({
    idFromName: () => OPERATIONS.idFromName(name),
    get: (id: DurableObjectId) => OPERATIONS.get(id),
  } as unknown as typeof OPERATIONS)
}

describe('the store in a Durable Object', () => {
  storeSuite(fresh)
})

describe('races in a Durable Object', () => {
  raceSuite(fresh, scaled(100))
})

test('the store survives the eviction of its Durable Object', async () => {
  const store = storeIn(OPERATIONS)
  const operation = accept(claim(), by(1))
  await store.claim(operation, NO_QUOTA)
  await evictDurableObject(OPERATIONS.get(OPERATIONS.idFromName('operations')))
  expect(await store.get('operation', operation.operationId)).toEqual(operation)
})

test.each([
  [{ retryable: true }, 2],
  [{ retryable: true, overloaded: true }, 1],
  [{}, 1],
])('a call that fails with %j is made %i times', async (failure, calls) => {
  let made = 0
  const real = OPERATIONS.get(OPERATIONS.idFromName('retried'))
  const store = storeIn({
    idFromName: () => OPERATIONS.idFromName('retried'),
    get: () => {
      if (++made > 1) return real
      return { get: () => Promise.reject(Object.assign(new Error('reset'), failure)) }
    },
  } as unknown as typeof OPERATIONS)
  const got = store.get('operation', 'op_none')
  if (calls === 2) expect(await got).toBeUndefined()
  else await expect(got).rejects.toThrow('reset')
  expect(made).toBe(calls)
})

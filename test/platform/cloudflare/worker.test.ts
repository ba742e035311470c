import { createScheduledController } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import {
  type OperationsObject,
  storeIn,
} from '../../../functions/platform/cloudflare/operations-object.ts'
import worker from '../../../functions/worker.ts'
import { accept, startAttempt } from '../../../shared/operations/transitions.ts'
import { by, claim } from '../../shared/operations/records.ts'
import { NO_QUOTA, replace } from '../../shared/store/writes.ts'

const { OPERATIONS } = env as unknown as { OPERATIONS: DurableObjectNamespace<OperationsObject> }

test('the cron trigger of a Worker moves a due operation', async () => {
  const store = storeIn(OPERATIONS)
  const operation = accept(claim(), by(1))
  await store.claim(operation, NO_QUOTA)
  // An attempt whose process has stopped.
  await replace(store, startAttempt(operation, 1, by(2)))
  const bindings = {
    OPERATIONS,
    NCLOUD_ACCESS_KEY: 'TestAccessKey',
    NCLOUD_SECRET_KEY: 'TestSecretKey',
    NCLOUD_API_GW: 'http://127.0.0.1:9',
  }
  await worker.scheduled(createScheduledController(), bindings)
  const { state, history } = (await store.get('operation', operation.operationId)) ?? {}
  expect([state, history?.at(-1)?.actor]).toEqual(['unknown', 'tick'])
})

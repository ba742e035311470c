import { createScheduledController } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import {
  type CreationsObject,
  storeIn,
} from '../../../functions/platform/cloudflare/creations-object.ts'
import worker from '../../../functions/worker.ts'
import { accepted, sending } from '../../../shared/creation/creation.ts'
import { by, claim } from '../../shared/creation/records.ts'

const { CREATIONS } = env as unknown as { CREATIONS: DurableObjectNamespace<CreationsObject> }

test('the cron trigger of a Worker moves a due creation', async () => {
  const store = storeIn(CREATIONS)
  const creation = accepted(claim(), by(1))
  await store.claim(creation, { today: 0 })
  // An attempt whose process has stopped.
  await store.replace(sending(creation, 1, by(2)))
  const bindings = {
    CREATIONS,
    NCLOUD_ACCESS_KEY: 'TestAccessKey',
    NCLOUD_SECRET_KEY: 'TestSecretKey',
    NCLOUD_API_GW: 'http://127.0.0.1:9',
  }
  await worker.scheduled(createScheduledController(), bindings)
  const { state, history } = (await store.read(creation.creationId)) ?? {}
  expect([state, history?.at(-1)?.actor]).toEqual(['unknown', 'tick'])
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApp } from '../../functions/app.ts'
import { parseSettings } from '../../shared/settings.ts'
import { UNUSABLE_HOSTS } from '../conformance/host-suite.ts'
import { type Gateway, openGateway } from '../gateway/gateway.ts'
import { secrets } from '../support/canaries.ts'
import { environmentFor, initOf } from '../support/relay.ts'

let gateway: Gateway
let app: ReturnType<typeof createApp>
beforeAll(async () => {
  gateway = await openGateway(secrets)
  app = createApp({ settings: await parseSettings(environmentFor(gateway.origin)), log: () => {} })
})
afterAll(() => gateway.close())

const send = (headers: Record<string, string>, more: object = {}) =>
  app.fetch(new Request('http://relay.test/v1/images/12341457', initOf({ headers })), more)

test.each(UNUSABLE_HOSTS)('the app refuses the Host %j', async (host) => {
  const response = await send({ host })
  expect(response.status).toBe(400)
  expect((await response.json()).code).toBe('malformed-request')
})

test('the app answers a request that the platform could not make valid', async () => {
  const response = await send({ host: 'relay' }, { malformed: 'The request target is not a path' })
  expect(response.status).toBe(400)
  expect((await response.json()).detail).toBe('The request target is not a path')
})

test('the app takes the URL of no request for granted', async () => {
  const request = new Request('http://relay.test/healthz')
  Object.defineProperty(request, 'url', { value: 'http://evil:99999/healthz' })
  expect((await app.fetch(request)).status).toBe(400)
})

test('a body that does not arrive before the deadline is answered 408', async () => {
  const body = new ReadableStream({ pull: () => new Promise(() => {}) })
  const asked = initOf({ method: 'POST', body })
  const request = new Request('http://relay.test/v1/server-images', asked)
  const response = await app.fetch(request, { deadline: Date.now() + 50 })
  expect(response.status).toBe(408)
  expect(await response.json()).toMatchObject({
    code: 'request-timeout',
    retryable: true,
    outcome: 'not-applied',
  })
})

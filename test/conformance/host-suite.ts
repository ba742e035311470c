import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, openGateway } from '../gateway/gateway.ts'
import { secrets } from '../support/canaries.ts'
import type { Environment, ProcessDoor } from '../support/doors.ts'
import { keyOf } from '../support/keys.ts'
import { answerTo } from '../support/raw-connection.ts'
import { environmentFor } from '../support/relay.ts'

/** Hosts of which no URL can be made, or that would choose another path. */
export const UNUSABLE_HOSTS = [
  ...['evil:99999', '1.2.3.4.5', '', 'a b', 'relay/healthz?', 'relay#', 'a@b', 'relay:x'],
  ...['[::1', '"relay"', 'a\\b', '256.1.1.1', 'one, two', 'k\u00e9y'],
]

/** Tests that a relay behind a socket takes the route from the request line only. */
export function hostSuite(
  open: (environment: Environment) => Promise<ProcessDoor>,
  { isWorker = false } = {},
) {
  let gateway: Gateway
  let door: ProcessDoor
  beforeAll(async () => {
    gateway = await openGateway({ ...secrets, readyAfterMs: 0 })
    door = await open(environmentFor(gateway.origin))
  })
  afterAll(async () => {
    await door?.close()
    await gateway.close()
  })

  const key = `X-API-Key: ${keyOf('ci')}\r\nConnection: close\r\n\r\n`
  const get = (target: string, host: string, version = '1.1') =>
    answerTo(door.url, `GET ${target} HTTP/${version}\r\n${host}${key}`)

  describe.each(['/healthz', '/v1/images/12341457', '/v1/operations?limit=1'])('for %s', (path) => {
    test.each(UNUSABLE_HOSTS)('refuses the Host %j', async (host) => {
      const { status, body } = await get(path, `Host: ${host}\r\n`)
      expect(status).toBe(400)
      // The platform refuses some hosts itself, without a problem.
      if (!isWorker) expect(JSON.parse(body).code).toBe('malformed-request')
    })

    test.each(['relay', 'relay.example:8787', '127.0.0.1', '[::1]:8787', 'RELAY_1.local'])(
      'takes the Host %j',
      async (host) => {
        expect((await get(path, `Host: ${host}\r\n`)).status).toBe(200)
      },
    )
  })

  test('refuses a request target that is not a path', async () => {
    for (const target of ['*', 'healthz', 'ftp://relay/healthz', '/healthz#a', '/a\\b']) {
      const { status, body } = await get(target, 'Host: relay\r\n')
      // The parsers of the runtimes refuse the other targets themselves.
      if (!isWorker && target.startsWith('/')) {
        expect(JSON.parse(body).code).toBe('malformed-request')
      }
      // The platform makes a path of some of these.
      expect(isWorker ? [400, 404, 200] : [400]).toContain(status)
    }
  })

  test.skipIf(isWorker)('takes the route from an absolute request target', async () => {
    expect((await get('http://other.example/healthz', 'Host: relay\r\n')).status).toBe(200)
    expect((await get('http://other.example', 'Host: relay\r\n')).status).toBe(200)
    expect((await get('http://evil:99999/healthz', 'Host: relay\r\n')).status).toBe(200)
  })

  test.skipIf(isWorker)(
    'answers HTTP/1.0 without Host, and refuses HTTP/1.1 without it',
    async () => {
      expect((await get('/healthz', '', '1.0')).status).toBe(200)
      expect((await get('/v1/images/12341457', '', '1.0')).status).toBe(200)
      const { status, body } = await get('/healthz', '')
      expect([status, JSON.parse(body).code]).toEqual([400, 'malformed-request'])
    },
  )
}

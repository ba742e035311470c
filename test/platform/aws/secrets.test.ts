import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createApp } from '../../../functions/app.ts'
import { openSecret } from '../../../functions/platform/aws/secrets.ts'
import { httpTransport } from '../../../functions/platform/node/http-transport.ts'
import type { LogEvent } from '../../../shared/log.ts'
import { Problem } from '../../../shared/problem.ts'
import { parseSettings } from '../../../shared/settings.ts'
import { openGateway } from '../../gateway/gateway.ts'
import { secrets } from '../../support/canaries.ts'
import { isCampaign } from '../../support/counts.ts'
import { environmentFor, initOf, leaksIn } from '../../support/relay.ts'
import { openSecretsManager, role, type SecretsManager } from './secrets-manager.ts'

const START = Date.UTC(2026, 10, 22)
const SECOND = 1_000
const ID = 'relay'
const pair = { accessKey: 'access', secretKey: 'secret' }

let now = START
let manager: SecretsManager
let log: LogEvent[]
const clock = {
  now: () => now,
  sleep: async (milliseconds: number) => {
    now += milliseconds
  },
}
const hold = (content: unknown) => manager.secrets.set(ID, JSON.stringify(content))
const open = () => openSecret(ID, clock, (event) => log.push(event))

beforeEach(async () => {
  now = START
  log = []
  manager = await openSecretsManager(clock.now)
  vi.stubEnv('AWS_REGION', 'ap-northeast-2')
  vi.stubEnv('AWS_ACCESS_KEY_ID', role.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', role.secretAccessKey)
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', manager.endpoint)
})
afterEach(() => {
  manager.close()
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** Lets time limits end ten times as soon, and returns those that were set, in ms. */
function hurriedLimits(): number[] {
  const limits: number[] = []
  const { timeout } = AbortSignal
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => {
    limits.push(milliseconds)
    return timeout.call(AbortSignal, milliseconds / 10)
  })
  return limits
}

/** What a read is refused with: the faults of the setting. */
async function faultsOf(read: ReturnType<typeof open>) {
  const problem = await read({ fresh: false }).catch((error) => error)
  expect(problem).toBeInstanceOf(Problem)
  expect(problem.code).toBe('not-configured')
  return problem.extras.errors
}

describe('a secret', () => {
  test('is a key pair, and any other setting by its name', async () => {
    hold({ ...pair, RELAY_KEYS: [], NCLOUD_REGION: 'JPN' })
    expect(await open()({ fresh: false })).toEqual({
      credentials: pair,
      settings: {
        NCLOUD_ACCESS_KEY: 'access',
        NCLOUD_SECRET_KEY: 'secret',
        RELAY_KEYS: [],
        NCLOUD_REGION: 'JPN',
      },
    })
  })

  test('is read once for all who ask at once', async () => {
    hold(pair)
    const read = open()
    const all = await Promise.all(Array.from({ length: 50 }, () => read({ fresh: false })))
    expect([manager.reads.length, new Set(all).size]).toEqual([1, 1])
  })

  test('is read again after five minutes, and is the same object as long as it says the same', async () => {
    hold(pair)
    const read = open()
    const first = await read({ fresh: false })
    now += 300 * SECOND - 1
    expect(await read({ fresh: false })).toBe(first)
    expect(manager.reads).toHaveLength(1)
    now += 1
    expect(await read({ fresh: false })).toBe(first)
    expect(manager.reads).toHaveLength(2)
    hold({ ...pair, secretKey: 'new' })
    now += 300 * SECOND
    expect((await read({ fresh: false })).credentials).toEqual({ ...pair, secretKey: 'new' })
  })

  test('is read sooner when its pair is refused, though not within 30 s of the last read', async () => {
    hold(pair)
    const read = open()
    await read({ fresh: false })
    hold({ ...pair, accessKey: 'new' })
    now += 30 * SECOND - 1
    expect((await read({ fresh: true })).credentials).toEqual(pair)
    now += 1
    expect((await read({ fresh: true })).credentials.accessKey).toBe('new')
    expect((await read({ fresh: true })).credentials.accessKey).toBe('new')
    expect(manager.reads).toHaveLength(2)
  })

  test('that could be read once holds while it cannot be, and is tried again every 30 s', async () => {
    hold(pair)
    const read = open()
    await read({ fresh: false })
    manager.secrets.delete(ID)
    now += 300 * SECOND
    for (let i = 0; i < 10; i++) {
      expect((await read({ fresh: false })).credentials).toEqual(pair)
      now += 3 * SECOND
    }
    expect(manager.reads).toHaveLength(2)
    hold({ accessKey: 'CANARY' })
    expect((await read({ fresh: false })).credentials).toEqual(pair)
    expect(log).toEqual([
      {
        event: 'settings',
        code: 'NCLOUD_SECRET_ID',
        detail: 'cannot be read: ResourceNotFoundException',
      },
      { event: 'settings', code: 'NCLOUD_SECRET_ID.secretKey', detail: 'is required' },
    ])
  })

  test('that was never read is tried again at once', async () => {
    const read = open()
    const notThere = [
      { path: 'NCLOUD_SECRET_ID', message: 'cannot be read: ResourceNotFoundException' },
    ]
    expect(await faultsOf(read)).toEqual(notThere)
    hold(pair)
    expect((await read({ fresh: false })).credentials).toEqual(pair)
  })

  test('is tried three times where AWS is at fault', async () => {
    hold(pair)
    manager.faults.push([500, 'InternalServiceError'], [400, 'ThrottlingException'])
    expect((await open()({ fresh: false })).credentials).toEqual(pair)
    expect(manager.reads).toHaveLength(3)
  })

  test('is asked for again where an answer does not come', async () => {
    hold(pair)
    manager.faults.push('hang')
    expect((await open()({ fresh: false })).credentials).toEqual(pair)
    expect(manager.reads).toHaveLength(2)
  })

  test('that holds is waited for no longer than two seconds', async () => {
    hold(pair)
    const read = open()
    await read({ fresh: false })
    now += 300 * SECOND
    manager.faults.push('hang', 'hang')
    const limits = hurriedLimits()
    expect((await read({ fresh: false })).credentials).toEqual(pair)
    expect(limits).toEqual([2 * SECOND])
  })

  test('is given up in time where AWS does not answer', async () => {
    hold(pair)
    manager.faults.push('hang', 'hang', 'hang')
    const limits = hurriedLimits()
    const [{ message }] = await faultsOf(open())
    expect(message).toMatch(/^cannot be read: \w*(Timeout|Abort)Error$/)
    expect(limits).toEqual([6 * SECOND])
  })

  test.each([
    ['no JSON', 'CANARY', [['', 'must be JSON']]],
    ['no object', '"CANARY"', [['', 'must be an object']]],
    [
      'without a pair',
      '{"accesskey":"CANARY"}',
      [
        ['.accessKey', 'is required'],
        ['.secretKey', 'is required'],
      ],
    ],
    ['with half a pair', '{"accessKey":"CANARY"}', [['.secretKey', 'is required']]],
    ['with a number', '{"accessKey":1,"secretKey":"CANARY"}', [['.accessKey', 'must be a string']]],
    [
      'with a space',
      '{"accessKey":"CANARY key","secretKey":"x"}',
      [['.accessKey', 'must be visible ASCII without spaces']],
    ],
  ])('that is %s is a fault, which is named and not quoted', async (_, text, faults) => {
    manager.secrets.set(ID, text)
    const errors = await faultsOf(open())
    expect(errors).toEqual(
      faults.map(([path, message]) => ({ path: `NCLOUD_SECRET_ID${path}`, message })),
    )
  })

  test('asked for without the right to is a fault', async () => {
    hold(pair)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'another')
    const errors = await faultsOf(open())
    expect(errors).toEqual([
      { path: 'NCLOUD_SECRET_ID', message: 'cannot be read: InvalidSignatureException' },
    ])
  })
})

describe('a key pair that is exchanged under load', () => {
  const next = { accessKey: `${secrets.accessKey}B`, secretKey: `${secrets.secretKey}B` }
  const SECRET_AT = START + 200 * SECOND
  const EVERY_MS = isCampaign ? 250 : 2_500

  /** Ten minutes of six reads at once; gives when reads failed, and with which key what arrived. */
  async function tenMinutes(gatewayAt: number) {
    hold(secrets)
    const read = open()
    const gateway = await openGateway({ ...secrets, now: clock.now })
    const app = createApp({
      settings: await parseSettings(environmentFor(gateway.origin)),
      credentials: async (options) => (await read(options)).credentials,
      transport: httpTransport(),
      clock,
      log: (event) => expect(leaksIn(JSON.stringify(event))).toEqual([]),
    })
    const failedAt: number[] = []
    for (const end = START + 600 * SECOND; now < end; now += EVERY_MS) {
      if (now >= SECRET_AT) hold(next)
      if (now >= gatewayAt) gateway.rotate(next.accessKey, next.secretKey)
      const at = now
      const requests = Array.from({ length: 6 }, () =>
        app.fetch(new Request('https://relay.test/v1/server-images/12341457', initOf({}))),
      )
      const answers = await Promise.all(requests)
      failedAt.push(...answers.filter(({ status }) => status !== 200).map(() => at))
    }
    await gateway.close()
    const withOld = gateway.received.filter(
      ({ headers }) => headers['x-ncp-iam-access-key'] === secrets.accessKey,
    )
    const apart = manager.reads.slice(1).map((at, i) => at - (manager.reads[i] ?? 0))
    return { failedAt, oldUntil: withOld.at(-1)?.at ?? 0, apart }
  }

  test('fails nobody where the secret is exchanged first', async () => {
    const gatewayAt = SECRET_AT + 45 * SECOND
    const { failedAt, oldUntil, apart } = await tenMinutes(gatewayAt)
    expect(failedAt).toEqual([])
    // The last use of the old one is what told that it is refused.
    expect(oldUntil).toBe(gatewayAt)
    expect(Math.min(...apart)).toBeGreaterThanOrEqual(30 * SECOND)
  })

  test('fails whoever comes between the two changes, and for 30 s after, where the gateway is first', async () => {
    const gatewayAt = SECRET_AT - 45 * SECOND
    const { failedAt, oldUntil, apart } = await tenMinutes(gatewayAt)
    expect(failedAt[0]).toBe(gatewayAt)
    expect(Math.max(...failedAt)).toBeLessThanOrEqual(SECRET_AT + 30 * SECOND)
    expect(oldUntil).toBeLessThanOrEqual(SECRET_AT + 30 * SECOND)
    expect(Math.min(...apart)).toBeGreaterThanOrEqual(30 * SECOND)
  })
})

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

/** Shortens time limits to a tenth, and returns the limits that were requested, in ms. */
function hurriedLimits(): number[] {
  const limits: number[] = []
  const { timeout } = AbortSignal
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => {
    limits.push(milliseconds)
    return timeout.call(AbortSignal, milliseconds / 10)
  })
  return limits
}

/** Returns the faults of the setting with which a read is refused. */
async function faultsOf(read: ReturnType<typeof open>) {
  const problem = await read({ fresh: false }).catch((error) => error)
  expect(problem).toBeInstanceOf(Problem)
  expect(problem.code).toBe('not-configured')
  return problem.extras.errors
}

describe('a secret', () => {
  test('contains a key pair, and any other setting by its name', async () => {
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

  test('is read once for concurrent calls', async () => {
    hold(pair)
    const read = open()
    const all = await Promise.all(Array.from({ length: 50 }, () => read({ fresh: false })))
    expect([manager.reads.length, new Set(all).size]).toEqual([1, 1])
  })

  test('is read again after five minutes, and stays the same object while its content is unchanged', async () => {
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

  test('is read sooner when its pair is refused, but not within 30 s of the last read', async () => {
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

  test('stays in use while reads fail after a success, and is retried every 30 s', async () => {
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

  test('is retried at once if no read has succeeded', async () => {
    const read = open()
    const notThere = [
      { path: 'NCLOUD_SECRET_ID', message: 'cannot be read: ResourceNotFoundException' },
    ]
    expect(await faultsOf(read)).toEqual(notThere)
    hold(pair)
    expect((await read({ fresh: false })).credentials).toEqual(pair)
  })

  test('is tried three times if AWS fails', async () => {
    hold(pair)
    manager.faults.push([500, 'InternalServiceError'], [400, 'ThrottlingException'])
    expect((await open()({ fresh: false })).credentials).toEqual(pair)
    expect(manager.reads).toHaveLength(3)
  })

  test('is tried again if no answer arrives', async () => {
    hold(pair)
    manager.faults.push('hang')
    expect((await open()({ fresh: false })).credentials).toEqual(pair)
    expect(manager.reads).toHaveLength(2)
  })

  test('is read with a limit of 2 s after a success', async () => {
    hold(pair)
    const read = open()
    await read({ fresh: false })
    now += 300 * SECOND
    manager.faults.push('hang', 'hang')
    const limits = hurriedLimits()
    expect((await read({ fresh: false })).credentials).toEqual(pair)
    expect(limits).toEqual([2 * SECOND])
  })

  test('is read with a limit of 6 s the first time', async () => {
    hold(pair)
    manager.faults.push('hang', 'hang', 'hang')
    const limits = hurriedLimits()
    const [{ message }] = await faultsOf(open())
    expect(message).toMatch(/^cannot be read: \w*(Timeout|Abort)Error$/)
    expect(limits).toEqual([6 * SECOND])
  })

  test.each([
    ['is not JSON', 'CANARY', [['', 'must be JSON']]],
    ['is not an object', '"CANARY"', [['', 'must be an object']]],
    [
      'has no pair',
      '{"accesskey":"CANARY"}',
      [
        ['.accessKey', 'is required'],
        ['.secretKey', 'is required'],
      ],
    ],
    ['has half a pair', '{"accessKey":"CANARY"}', [['.secretKey', 'is required']]],
    ['has a number', '{"accessKey":1,"secretKey":"CANARY"}', [['.accessKey', 'must be a string']]],
    [
      'has a space',
      '{"accessKey":"CANARY key","secretKey":"x"}',
      [['.accessKey', 'must be visible ASCII without spaces']],
    ],
  ])('is refused with its path and without its content if it %s', async (_, text, faults) => {
    manager.secrets.set(ID, text)
    const errors = await faultsOf(open())
    expect(errors).toEqual(
      faults.map(([path, message]) => ({ path: `NCLOUD_SECRET_ID${path}`, message })),
    )
  })

  test('is refused if AWS rejects the signature', async () => {
    hold(pair)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'another')
    const errors = await faultsOf(open())
    expect(errors).toEqual([
      { path: 'NCLOUD_SECRET_ID', message: 'cannot be read: InvalidSignatureException' },
    ])
  })
})

describe('a key pair that is rotated under load', () => {
  const next = { accessKey: `${secrets.accessKey}B`, secretKey: `${secrets.secretKey}B` }
  const SECRET_AT = START + 200 * SECOND
  const EVERY_MS = isCampaign ? 250 : 2_500

  /**
   * Sends six reads at once, again and again for ten minutes. Returns the times of failed reads, the time of the old key's
   * last use, and the intervals between reads of the secret.
   */
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

  test('fails no request if the secret is changed before the gateway', async () => {
    const gatewayAt = SECRET_AT + 45 * SECOND
    const { failedAt, oldUntil, apart } = await tenMinutes(gatewayAt)
    expect(failedAt).toEqual([])
    // The relay learns of the refusal from the last use of the old key.
    expect(oldUntil).toBe(gatewayAt)
    expect(Math.min(...apart)).toBeGreaterThanOrEqual(30 * SECOND)
  })

  test('fails requests from the change of the gateway until 30 s after the later change of the secret', async () => {
    const gatewayAt = SECRET_AT - 45 * SECOND
    const { failedAt, oldUntil, apart } = await tenMinutes(gatewayAt)
    expect(failedAt[0]).toBe(gatewayAt)
    expect(Math.max(...failedAt)).toBeLessThanOrEqual(SECRET_AT + 30 * SECOND)
    expect(oldUntil).toBeLessThanOrEqual(SECRET_AT + 30 * SECOND)
    expect(Math.min(...apart)).toBeGreaterThanOrEqual(30 * SECOND)
  })
})

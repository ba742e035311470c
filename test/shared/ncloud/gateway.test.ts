import { describe, expect, test } from 'vitest'
import type { LogEvent } from '../../../shared/log.ts'
import { createServerImageFromSnapshot } from '../../../shared/ncloud/actions/create-server-image-from-snapshot.ts'
import { getServerImageDetail } from '../../../shared/ncloud/actions/get-server-image-detail.ts'
import { getServerImageList } from '../../../shared/ncloud/actions/get-server-image-list.ts'
import { type CredentialsSource, openGateway } from '../../../shared/ncloud/gateway.ts'
import type { Clock } from '../../../shared/web/clock.ts'
import type { Incoming, Outgoing } from '../../../shared/web/transport.ts'

const utf8 = new TextEncoder()
const row = { serverImageNo: '1', serverImageName: 'one' }
const success = { xResponse: { totalRows: 1, serverImageList: [row], returnCode: '0' } }
const refusedKey = { error: { errorCode: '200', message: 'Authentication Failed', details: '' } }
const failure = { error: { errorCode: '500', message: 'Endpoint Error', details: '' } }
const throttle = { error: { errorCode: '410', message: 'Throttle Limited', details: '' } }
const pair = { accessKey: 'access', secretKey: 'secret' }
const START = Date.UTC(2026, 10, 21, 10)

type Answer = [status: number, body: object, headers?: Record<string, string>] | Error

/** Opens a gateway with these answers and a simulated clock; each answer takes `takesMs`. */
function scripted(
  answers: Answer[],
  { source, takesMs = 0 }: { source?: CredentialsSource; takesMs?: number } = {},
) {
  let time = START
  const clock: Clock = {
    now: () => time,
    sleep: async (milliseconds) => {
      slept.push(milliseconds)
      time += milliseconds
    },
  }
  const sent: { request: Outgoing; timeoutMs: number; at: number }[] = []
  const slept: number[] = []
  const events: LogEvent[] = []
  const gateway = openGateway({
    origin: 'https://ncloud.apigw.ntruss.com',
    credentials: source ?? (async () => pair),
    clock,
    transport: async (request, timeoutMs): Promise<Incoming> => {
      sent.push({ request, timeoutMs, at: time })
      time += Math.min(takesMs, timeoutMs)
      const answer = answers[Math.min(sent.length, answers.length) - 1]
      if (answer instanceof Error) throw answer
      const [status = 0, body, headers = {}] = answer ?? []
      return { status, headers: new Headers(headers), body: utf8.encode(JSON.stringify(body)) }
    },
  })
  const options = {
    deadline: START + 25_000,
    log: (event: LogEvent) => events.push(event),
  }
  const read = () => gateway.read(getServerImageDetail, { imageNo: '1', regionCode: 'KR' }, options)
  const code = () =>
    read().then(
      () => 'fine',
      (problem) => problem.code,
    )
  const advance = (milliseconds: number) => {
    time += milliseconds
  }
  return { gateway, read, code, sent, slept, events, options, advance, time: () => time }
}

const timestampOf = ({ request }: { request: Outgoing }) =>
  Number(request.headers['x-ncp-apigw-timestamp'])

test('sends a read as a GET of one URL, signed with the current time', async () => {
  const { read, sent } = scripted([[200, success]])
  expect((await read())?.imageNo).toBe('1')
  expect(String(sent[0]?.request.url)).toBe(
    'https://ncloud.apigw.ntruss.com/vserver/v2/getServerImageDetail?regionCode=KR&serverImageNo=1&responseFormatType=json',
  )
  expect(sent[0]?.request).toMatchObject({ method: 'GET', body: null })
  expect(sent.map(timestampOf)).toEqual([START])
})

test('encodes a space in a query as %20 and a plus as %2B', async () => {
  const { gateway, options, sent } = scripted([[200, success]])
  await gateway.read(getServerImageList, { name: 'a b+c', regionCode: 'KR' }, options)
  expect(sent[0]?.request.url.search).toContain('serverImageName=a%20b%2Bc&')
})

describe('a read', () => {
  test.each<[string, Answer, string, number]>([
    ['retried after a 5xx', [503, failure], 'upstream-error', 3],
    ['retried after a lost connection', new TypeError('terminated'), 'upstream-unreachable', 3],
    ['retried after a timeout', new DOMException('x', 'TimeoutError'), 'upstream-timeout', 3],
    ['retried after a 429', [429, throttle], 'upstream-throttled', 3],
    ['not retried after a malformed answer', [200, {}], 'upstream-malformed', 1],
    [
      'not retried after a refusal',
      [400, { responseError: { returnCode: '1' } }],
      'upstream-refused',
      1,
    ],
  ])('is %s', async (_, answer, problem, attempts) => {
    const { code, sent, slept } = scripted([answer])
    expect(await code()).toBe(problem)
    expect(sent).toHaveLength(attempts)
    expect(new Set(sent.map(timestampOf)).size).toBe(attempts)
    expect(slept.every((delay) => delay >= 1 && delay <= 2_000)).toBe(true)
  })

  test('is retried until it succeeds', async () => {
    const { code, sent } = scripted([
      [503, failure],
      [503, failure],
      [200, success],
    ])
    expect([await code(), sent.length]).toEqual(['fine', 3])
  })

  test('is tried at most three times, even if the last try has a refused key pair', async () => {
    const refused: Answer = [401, { error: { errorCode: '200' } }]
    const { code, sent } = scripted([[503, failure], [503, failure], refused])
    expect([await code(), sent.length]).toEqual(['upstream-credentials', 3])
  })

  test('is retried after the gateway’s Retry-After, if there is enough time', async () => {
    const again = { 'retry-after': '3' }
    const { code, slept } = scripted([
      [429, throttle, again],
      [200, success],
    ])
    expect([await code(), slept]).toEqual(['fine', [3_000]])
    const later = scripted([[429, throttle, { 'retry-after': '11' }]])
    expect([await later.code(), later.slept]).toEqual(['upstream-throttled', []])
  })

  test('takes at most 10 s in all, and an attempt may use what is left of them', async () => {
    const { code, sent, time } = scripted([new DOMException('x', 'TimeoutError')], {
      takesMs: 60_000,
    })
    expect(await code()).toBe('upstream-timeout')
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([10_000])
    expect(time() - START).toBeLessThanOrEqual(10_000)
    const later = scripted([[503, failure]], { takesMs: 3_000 })
    expect(await later.code()).toBe('upstream-error')
    expect(later.sent.map(({ timeoutMs }, n) => timeoutMs <= 10_000 - n * 3_000)).toEqual([
      true,
      true,
      true,
    ])
    expect(later.sent[1]?.timeoutMs).toBeGreaterThan(6_500)
  })

  // Field report A3.
  test('is answered after 5 s, or in a tick after 20 s', async () => {
    expect(await scripted([[200, success]], { takesMs: 5_000 }).code()).toBe('fine')
    const { gateway, options, sent } = scripted([[200, success]], { takesMs: 20_000 })
    const unhurried = { ...options, readLimitMs: Number.POSITIVE_INFINITY }
    await gateway.read(getServerImageDetail, { imageNo: '1', regionCode: 'KR' }, unhurried)
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([25_000])
  })

  test('ends before the deadline', async () => {
    const { gateway, options, sent } = scripted([[200, success]])
    const short = { ...options, deadline: START + 700 }
    await gateway.read(getServerImageDetail, { imageNo: '1', regionCode: 'KR' }, short)
    expect(sent[0]?.timeoutMs).toBe(700)
  })

  test('is retried only within the retry budget of the instance', async () => {
    const { code, sent } = scripted([[503, failure]])
    const calls = 200
    for (let i = 0; i < calls; i++) await code()
    // 20 at first, a tenth of one per call, and one per second of the little time that passed.
    expect(sent.length).toBeLessThan(calls + 20 + calls / 10 + 60)
  })
})

describe('a refused key pair', () => {
  const date = { date: 'Sat, 21 Nov 2026 10:00:00 GMT' }

  test('is fetched again, and the read is retried once', async () => {
    const pairs = [pair, { accessKey: 'new', secretKey: 'new' }]
    let current = 0
    const source: CredentialsSource = async ({ fresh }) => {
      if (fresh) current = 1
      return pairs[current] ?? pair
    }
    const { code, sent } = scripted(
      [
        [401, refusedKey, date],
        [200, success],
      ],
      { source },
    )
    expect(await code()).toBe('fine')
    expect(sent.map(({ request }) => request.headers['x-ncp-iam-access-key'])).toEqual([
      'access',
      'new',
    ])
  })

  test('is a problem if it is refused again, and a fresh one is requested each time', async () => {
    const asked: boolean[] = []
    const source: CredentialsSource = async ({ fresh }) => {
      if (fresh) asked.push(fresh)
      return pair
    }
    const { code, sent } = scripted([[401, refusedKey, date]], { source })
    for (let i = 0; i < 10; i++) expect(await code()).toBe('upstream-credentials')
    expect([sent.length, asked.length]).toEqual([20, 10])
  })

  test('is accepted after the relay has learnt the gateway’s clock', async () => {
    const ahead = { date: 'Sat, 21 Nov 2026 10:20:00 GMT' }
    const { code, sent } = scripted([
      [401, refusedKey, ahead],
      [200, success],
    ])
    await code()
    await code()
    expect(sent.map(timestampOf)).toEqual([START, START + 1_200_000, START + 1_200_000])
  })
})

describe('a write', () => {
  const content = { name: 'web-1', storages: [{ snapshotNo: '1' }], marker: '0123456789abcdef' }

  test('is a form that is signed once, before it is sent', async () => {
    const { gateway, options, sent, advance } = scripted([[200, success]])
    const signed = await gateway.sign(
      createServerImageFromSnapshot,
      { ...content, regionCode: 'KR' },
      options,
    )
    expect(sent).toEqual([])
    advance(1_000)
    await signed.send(20_000)
    expect(signed.signedAt).toBe(START)
    expect(sent.map(timestampOf)).toEqual([START])
    expect(sent[0]).toMatchObject({
      timeoutMs: 20_000,
      request: {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'regionCode=KR&serverImageName=web-1&serverImageDescription=%5Brelay%3A0123456789abcdef%5D&blockStorageList.1.order=0&blockStorageList.1.snapshotInstanceNo=1&responseFormatType=json',
      },
    })
    expect(sent[0]?.request.url.search).toBe('')
  })

  test.each<Answer[]>([
    [[503, failure]],
    [[429, throttle]],
    [[401, refusedKey]],
    [new TypeError('x')],
  ])('is never retried: %j', async (answer) => {
    const { gateway, options, sent } = scripted([answer])
    const signed = await gateway.sign(
      createServerImageFromSnapshot,
      { ...content, regionCode: 'KR' },
      options,
    )
    await expect(signed.send(20_000)).rejects.toThrow()
    expect(sent).toHaveLength(1)
  })
})

test('takes the gateway’s clock from Date, or from the timestamp that the gateway accepted', async () => {
  const list = { aResponse: { totalRows: 0, returnCode: '0' } }
  const clockOf = async (...headers: Record<string, string>[]) => {
    const { gateway, options } = scripted([[200, list, ...headers]] as Answer[], { takesMs: 3_000 })
    const query = { name: 'web', regionCode: 'KR' }
    return (await gateway.read(getServerImageList, query, options)).gatewayTime
  }
  const date = 'Fri, 13 Feb 2009 23:31:30 GMT'
  expect(await clockOf({ date })).toBe(1_234_567_890_000)
  // 900 s instead of 630 s, by the contract, section 5. Counted from before the request was sent.
  expect(await clockOf()).toBe(START - 270_000)
  expect(await clockOf({ date: 'yesterday' })).toBe(START - 270_000)
})

test('a refusal that quotes the headers of its request comes without key pair and signature', async () => {
  const refusal = { responseError: { returnCode: '1300', returnMessage: '' } }
  const { read, sent } = scripted([[400, refusal]])
  await read().catch(() => {})
  const quoted = JSON.stringify({ ...sent[0]?.request.headers, ...pair })
  const again = scripted([
    [400, { responseError: { returnCode: '1300', returnMessage: `Headers: ${quoted}` } }],
  ])
  const problem = await again.read().catch((problem) => problem)
  const text = JSON.stringify([problem.message, problem.extras])
  expect(text).toContain('***')
  for (const secret of [pair.accessKey, pair.secretKey]) expect(text).not.toContain(`"${secret}`)
  expect(text).not.toContain(sent[0]?.request.headers['x-ncp-apigw-signature-v2'])
})

test('logs one event for each call', async () => {
  const { code, events } = scripted(
    [
      [503, failure],
      [200, success],
    ],
    { takesMs: 12 },
  )
  await code()
  expect(events).toEqual([
    {
      event: 'upstream',
      action: 'getServerImageDetail',
      status: 503,
      milliseconds: 12,
      code: 'upstream-error',
    },
    { event: 'upstream', action: 'getServerImageDetail', status: 200, milliseconds: 12 },
  ])
})

import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import { createServerImageFromSnapshot } from '../../shared/ncloud/actions/create-server-image-from-snapshot.ts'
import { getServerImageList } from '../../shared/ncloud/actions/get-server-image-list.ts'
import { openGateway as openRelayGateway } from '../../shared/ncloud/gateway.ts'
import { systemClock } from '../../shared/web/clock.ts'
import { fetchTransport, type Transport } from '../../shared/web/transport.ts'
import { type Gateway, openGateway, type Received } from '../gateway/gateway.ts'
import { secrets } from '../support/canaries.ts'
import { scaled } from '../support/counts.ts'
import { smallest } from '../support/relay.ts'
import { until } from '../support/until.ts'

const options = () => ({ deadline: Date.now() + 25_000, log: () => {} })

let gateway: Gateway
beforeAll(async () => {
  gateway = await openGateway({ ...secrets, readyAfterMs: 0 })
})
afterAll(() => gateway.close())

function relayGateway(transport: Transport, clock = systemClock) {
  const credentials = { ...secrets }
  return openRelayGateway({
    origin: gateway.origin,
    credentials: async () => credentials,
    transport,
    clock,
  })
}

/** True if the received signature matches the received request line, computed by another implementation. */
function isSignedAsItArrived({ method, target, headers }: Received): boolean {
  const { accessKey, secretKey } = secrets
  const text = `${method} ${target}\n${headers['x-ncp-apigw-timestamp']}\n${accessKey}`
  const signature = createHmac('sha256', secretKey).update(text).digest('base64')
  return headers['x-ncp-apigw-signature-v2'] === signature
}

const timestampOf = ({ headers }: Received) => Number(headers['x-ncp-apigw-timestamp'])

// Every printable ASCII character, Hangul composed and as jamo, kana, emoji with joiners, combining marks, characters
// with a meaning in URLs and forms, and any other well-formed text.
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }).map((value) => value.toWellFormed()),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom(
      ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)),
      ...['한', '글', '\u1112\u1161\u11ab', 'か', 'が', 'か\u3099', 'ー', '漢', '👩‍💻', '🇰🇷'],
      ...['e\u0301', '\u200d', '%20', '%zz', '&amp;', '\u00a0', '\\', '\u2028', '\ufeff'],
    ),
    maxLength: 40,
  }),
)

const BATCHES = scaled(500)
const READS = 20

describe.each([
  ['fetch', () => fetchTransport(fetch)],
  ['Node', httpTransport],
] as const)('the signature matches the request that arrives, over %s', (_, transport) => {
  const VALUES = scaled(10_000)
  const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')

  test(`for ${VALUES} values in the text fields of reads and creates`, async () => {
    gateway.reset()
    const relay = relayGateway(transport())
    const values = [ascii, ...fc.sample(text, { numRuns: VALUES - 1, seed: 20261121 })]
    const region = { regionCode: 'KR' }
    const one = async (value: string, i: number) => {
      if (i % 3 !== 2) await relay.read(getServerImageList, { ...region, name: value }, options())
      else {
        const content = { ...smallest, name: value, description: value, marker: '0123456789abcdef' }
        const signed = await relay.sign(
          createServerImageFromSnapshot,
          { ...region, ...content },
          options(),
        )
        // A name that breaks the gateway's rule is refused after the signature was accepted.
        await signed.send(5_000).catch(() => {})
      }
    }
    for (let i = 0; i < values.length; i += 50) {
      await Promise.all(values.slice(i, i + 50).map((value, at) => one(value, i + at)))
    }

    expect(gateway.received).toHaveLength(VALUES)
    expect(gateway.received.filter((received) => !isSignedAsItArrived(received))).toEqual([])
    expect(gateway.received.filter(({ refusal }) => refusal?.startsWith('401'))).toEqual([])
    const arrived = gateway.received.map(({ parameters }) => parameters.serverImageName)
    expect(arrived.sort()).toEqual([...values].sort())
    const described = gateway.received.flatMap(
      ({ parameters }) => parameters.serverImageDescription ?? [],
    )
    const sent = values
      .filter((_, i) => i % 3 === 2)
      .map((value) => `${value && `${value} `}[relay:0123456789abcdef]`)
    expect(described.sort()).toEqual(sent.sort())
  })
})

test(`signs each attempt of ${BATCHES * READS} retried reads with its own timestamp`, async () => {
  gateway.reset()
  // READS is the number of retries that a new instance has. Each retry waits until all first attempts failed.
  const sleep = async () => {
    await until(() => gateway.received.length >= READS)
  }
  const transport = httpTransport()
  for (let batch = 0; batch < BATCHES; batch++) {
    gateway.received.length = 0
    gateway.inject({ fault: 'endpoint-error', times: READS })
    const relay = relayGateway(transport, { now: Date.now, sleep })
    const names = Array.from({ length: READS }, (_, i) => `read-${batch}-${i}`)
    await Promise.all(
      names.map((name) => relay.read(getServerImageList, { regionCode: 'KR', name }, options())),
    )
    for (const name of names) {
      const attempts = gateway.received.filter((one) => one.parameters.serverImageName === name)
      const [first, second, ...more] = attempts.map((one) => timestampOf(one))
      expect(more).toEqual([])
      expect(second).toBeGreaterThan(first ?? Number.NaN)
    }
    expect(gateway.received.filter((one) => !isSignedAsItArrived(one))).toEqual([])
  }
})

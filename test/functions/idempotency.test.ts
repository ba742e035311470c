import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { image } from '../support/bodies.ts'
import { scaled } from '../support/counts.ts'
import { openRelay, type Relay, smallest } from '../support/relay.ts'

const SEED = 20261121
const OTHERS = scaled(10_000)
const REPEATS = scaled(2_000)
const PAIRS = scaled(1_000)

let relay: Relay
beforeAll(async () => {
  relay = await openRelay()
})
afterAll(() => relay.close())

const keyed = (key: string) => ({ headers: { 'idempotency-key': key } })

test(`rejects a reused key with other content with 422 (${OTHERS} bodies)`, async () => {
  await relay.create({ ...smallest, name: 'once' }, keyed('one'))
  const { length: arrived } = relay.gateway.received
  for (const body of fc.sample(image, { numRuns: OTHERS, seed: SEED })) {
    const { status, json } = await relay.create(body, keyed('one'))
    expect([status, json.code]).toEqual([422, 'idempotency-key-reused'])
  }
  expect(relay.gateway.received).toHaveLength(arrived)
})

/** Returns an equivalent body: other field order and Unicode form, and explicit defaults. */
function equivalent(body: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(body).toReversed()
  const { description, regionCode = 'KR', notify = [], ...rest } = Object.fromEntries(entries)
  const text = typeof description === 'string' ? description.normalize('NFD') : description
  return { notify, regionCode, ...rest, description: text ?? '' }
}

test(`treats an equivalent body under the same key as a repeat (${REPEATS} bodies)`, async () => {
  // The decomposed form is longer, and the relay rejects a description above its limit.
  const short = image.filter(({ description = '' }) => description.normalize('NFD').length < 900)
  const bodies = fc.sample(short, { numRuns: REPEATS, seed: SEED })
  for (const [index, given] of bodies.entries()) {
    const body = { ...given, name: `same-${index}` }
    const first = await relay.create(body, keyed(`same-${index}`))
    const again = await relay.create(equivalent(body), keyed(`same-${index}`))
    const status = first.status === 201 ? 200 : first.status
    expect([again.status, again.json.operationId]).toEqual([status, first.json.operationId])
  }
})

test(`keeps two callers with the same key apart (${PAIRS} pairs)`, async () => {
  const none = await relay.request('/v1/operations/op_00000000000000000000000000000000')
  const { requestId: _, ...notFound } = none.json
  for (let pair = 0; pair < PAIRS; pair++) {
    const made = await Promise.all(
      ['ci', 'other'].map((as) =>
        relay.create({ ...smallest, name: `${as}-${pair}` }, { as, ...keyed(`shared-${pair}`) }),
      ),
    )
    expect(made.map(({ status }) => status)).toEqual([201, 201])
    const [ofCi, ofOther] = made.map(({ headers }) => headers.get('location') ?? '')
    expect(ofCi).not.toBe(ofOther)
    for (const [as, foreign] of [
      ['ci', ofOther],
      ['other', ofCi],
    ] as const) {
      const { status, json } = await relay.request(foreign ?? '', { as })
      const { requestId: _, ...problem } = json
      expect([status, problem]).toEqual([404, notFound])
    }
  }
})

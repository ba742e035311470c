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

test(`a key with other content is 422 in ${OTHERS} of ${OTHERS}`, async () => {
  await relay.create({ ...smallest, name: 'once' }, keyed('one'))
  const { length: arrived } = relay.gateway.received
  for (const body of fc.sample(image, { numRuns: OTHERS, seed: SEED })) {
    const { status, json } = await relay.create(body, keyed('one'))
    expect([status, json.code]).toEqual([422, 'idempotency-key-reused'])
  }
  expect(relay.gateway.received).toHaveLength(arrived)
})

/** The same wish in other words. */
function reworded(body: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(body).toReversed()
  const { description, regionCode = 'KR', notify: _, ...rest } = Object.fromEntries(entries)
  const text = typeof description === 'string' ? description.normalize('NFD') : description
  return { notify: ['others'], regionCode, ...rest, description: text ?? '' }
}

test(`a key with the same content in other words is a repeat in ${REPEATS} of ${REPEATS}`, async () => {
  // Decomposed, a description may be longer than it may be: those are refused for that.
  const short = image.filter(({ description = '' }) => description.normalize('NFD').length < 900)
  const bodies = fc.sample(short, { numRuns: REPEATS, seed: SEED })
  for (const [index, given] of bodies.entries()) {
    const body = { ...given, name: `same-${index}` }
    const first = await relay.create(body, keyed(`same-${index}`))
    const again = await relay.create(reworded(body), keyed(`same-${index}`))
    const status = first.status === 201 ? 200 : first.status
    expect([again.status, again.json.creationId]).toEqual([status, first.json.creationId])
  }
})

test(`${PAIRS} pairs of callers with one key have nothing to do with each other`, async () => {
  const none = await relay.request('/v1/creations/cr_00000000000000000000000000000000')
  const { requestId: _, ...nowhere } = none.json
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
      const { requestId: _, ...told } = json
      expect([status, told]).toEqual([404, nowhere])
    }
  }
})

import { afterEach, expect, test } from 'vitest'
import type { Store } from '../../shared/store/store.ts'
import { systemClock } from '../../shared/web/clock.ts'
import { memoryStore } from '../shared/store/memory-store.ts'
import { openRelay, type Relay, type RelayOptions } from '../support/relay.ts'

const START = Date.UTC(2026, 10, 29, 3)

let now = START
let relay: Relay
afterEach(async () => {
  now = START
  await relay.close()
})

async function open(options: RelayOptions = {}) {
  relay = await openRelay({ ...options, clock: { ...systemClock, now: () => now } })
}

async function readiness() {
  const { status, json } = await relay.request('/readyz', { as: '' })
  return [status, json.lastTick ?? json.code]
}

test('the time of the last tick is shown, also without jobs', async () => {
  await open()
  expect(await readiness()).toEqual([200, undefined])
  now += 60_000
  await relay.tick()
  expect(await readiness()).toEqual([200, '2026-11-29T03:01:00.000Z'])
})

test('a failing store makes the relay not ready', async () => {
  const get: Store['get'] = () => Promise.reject(new Error('secret words'))
  await open({ store: { ...memoryStore(), get } })
  expect(await readiness()).toEqual([503, 'store-unavailable'])
})

test('the store is read at most every ten seconds', async () => {
  let reads = 0
  const store = memoryStore()
  const get: Store['get'] = (type, id) => {
    reads++
    return store.get(type, id)
  }
  await open({ store: { ...store, get } })
  for (const [at, expected] of [
    [0, 1],
    [9_999, 1],
    [10_000, 2],
  ] as const) {
    now = START + at
    await readiness()
    await readiness()
    expect(reads).toBe(expected)
  }
})

test('a relay without a store can read images, and is ready', async () => {
  await open({ store: false })
  await relay.tick()
  expect(await readiness()).toEqual([200, undefined])
})

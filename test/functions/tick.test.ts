import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createApp } from '../../functions/app.ts'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import { openSqlite } from '../../functions/platform/node/sqlite-file.ts'
import type { LogEvent } from '../../shared/log.ts'
import { parseSettings } from '../../shared/settings.ts'
import { sqliteStore } from '../../shared/store/sqlite-store.ts'
import type { Store } from '../../shared/store/store.ts'
import { systemClock } from '../../shared/web/clock.ts'
import type { Transport } from '../../shared/web/transport.ts'
import { openGateway } from '../gateway/gateway.ts'
import { states } from '../gateway/shelf.ts'
import { memoryStore } from '../shared/store/memory-store.ts'
import { withChanges } from '../shared/store/writes.ts'
import { secrets } from '../support/canaries.ts'
import { environmentFor, initOf, openRelay, type Relay, smallest } from '../support/relay.ts'

const create = 'createServerImageFromSnapshot'
const SECOND = 1_000

let relay: Relay
/** Milliseconds by which the clocks of the relay and the gateway run ahead. */
let ahead = 0
let gatewayAhead = 0
const store = sqliteStore(openSqlite(':memory:'))

beforeAll(async () => {
  relay = await openRelay({
    store,
    clock: { ...systemClock, now: () => Date.now() + ahead },
    gateway: { now: () => Date.now() + gatewayAhead },
  })
})
afterAll(() => relay.close())
beforeEach(() => {
  ahead = 0
  gatewayAhead = 0
  relay.gateway.reset()
})

let names = 0
const fresh = () => ({ ...smallest, name: `tick-${++names}` })
const made = (name: string) => relay.gateway.images.all().filter((image) => image.name === name)
const read = async (id: string) => (await relay.request(`/v1/operations/${id}`)).json
const later = (seconds: number) => {
  ahead += seconds * SECOND
  gatewayAhead += seconds * SECOND
}

/** Opens a second relay whose gateway makes an image in `readyAfterMs`. */
async function openSlowRelay(readyAfterMs = 60 * SECOND) {
  const ownRelay = await openRelay({
    clock: { ...systemClock, now: () => Date.now() + ahead },
    gateway: { now: () => Date.now() + gatewayAhead, readyAfterMs },
  })
  const reads = () =>
    ownRelay.gateway.received.filter(({ action }) => action === 'getServerImageDetail')
  return { ownRelay, reads }
}

describe('the tick', () => {
  test('finds the image of an attempt whose answer was lost, and makes no second one', async () => {
    relay.gateway.inject({ fault: 'reset-before', action: create, applied: true })
    const body = fresh()
    const { json } = await relay.create(body)
    expect(json.status).toBe('unknown')
    await relay.tick()
    expect((await read(json.operationId)).status).toBe('unknown')
    later(31)
    await relay.tick()
    const now = await read(json.operationId)
    expect([now.status, now.attempt, now.image.name]).toEqual(['ready', 1, body.name])
    expect(now.history.at(-1)).toMatchObject({ actor: 'tick', status: 'ready', reason: 'adopted' })
    expect(made(body.name)).toHaveLength(1)
  })

  test('repeats an attempt that never arrived when the gateway’s clock proves it', async () => {
    relay.gateway.inject({ fault: 'reset-before', action: create })
    const body = fresh()
    const { json } = await relay.create(body)
    ahead = 640 * SECOND
    await relay.tick()
    expect((await read(json.operationId)).status).toBe('unknown')
    ahead = 0
    later(700)
    await relay.tick()
    const now = await read(json.operationId)
    expect([now.status, now.attempt]).toEqual(['ready', 2])
    expect(made(body.name)).toHaveLength(1)
  })

  test('sends a create that the gateway throttled', async () => {
    relay.gateway.inject({ fault: 'throttled', action: create })
    const { json } = await relay.create(fresh())
    expect(json.status).toBe('accepted')
    later(31)
    await relay.tick()
    expect((await read(json.operationId)).status).toBe('ready')
  })

  // Field report A3: a read in a tick may take longer than the 10 s that a caller waits.
  test('waits for a look-up that takes 12 s', async () => {
    const node = httpTransport()
    const slow: Transport = async (request, timeoutMs) => {
      const isLate = request.url.pathname.endsWith('getServerImageList') && timeoutMs < 12 * SECOND
      if (isLate) throw new DOMException('Late', 'TimeoutError')
      return node(request, timeoutMs)
    }
    const patient = await openRelay({
      clock: { ...systemClock, now: () => Date.now() + ahead },
      gateway: { now: () => Date.now() + gatewayAhead },
      transport: slow,
    })
    const { json } = await patient.create(fresh())
    later(31)
    await patient.tick()
    const now = await patient.request(`/v1/operations/${json.operationId}`)
    await patient.close()
    expect([json.status, json.problem.code]).toEqual(['accepted', 'upstream-timeout'])
    expect(now.json.status).toBe('ready')
  })

  test('follows an image until it is final and then stops reading it', async () => {
    const { ownRelay, reads } = await openSlowRelay()
    await ownRelay.create(fresh())
    for (const seconds of [4, 2, 300, 3_600]) {
      later(seconds)
      await ownRelay.tick()
    }
    // No read before 5 s, one that finds it pending, one that finds it ready, and none after that.
    expect(reads()).toHaveLength(2)
    await ownRelay.close()
  })

  test('follows an image that never becomes final for one day', async () => {
    const { ownRelay, reads } = await openSlowRelay(48 * 3_600 * SECOND)
    await ownRelay.create(fresh())
    for (let hour = 0; hour < 30; hour++) {
      later(3_600)
      await ownRelay.tick()
    }
    expect(reads()).toHaveLength(24)
    await ownRelay.close()
  })

  test('sends each create once when ticks run at the same time', async () => {
    relay.gateway.inject({ fault: 'throttled', action: create, times: 20 })
    const bodies = Array.from({ length: 20 }, fresh)
    await Promise.all(bodies.map((body) => relay.create(body)))
    later(31)
    await Promise.all([relay.tick(), relay.tick(), relay.tick()])
    expect(bodies.map(({ name }) => made(name).length)).toEqual(Array(20).fill(1))
  })

  test('skips an operation that cannot be stored and logs the failure of the store', async () => {
    relay.gateway.inject({ fault: 'throttled', action: create, times: 2 })
    const [first, second] = [fresh(), fresh()]
    const answers = [await relay.create(first), await relay.create(second)]
    const broken = withChanges(store, async (next, write) => {
      if (next.name === first.name) throw new Error('secret words')
      return write(next)
    })
    later(31)
    const log: unknown[] = []
    const other = createApp({
      settings: await parseSettings({
        NCLOUD_ACCESS_KEY: relay.gateway.accessKey,
        NCLOUD_SECRET_KEY: relay.gateway.secretKey,
        NCLOUD_API_GW: relay.gateway.origin,
      }),
      store: broken,
      clock: { ...systemClock, now: () => Date.now() + ahead },
      log: (event) => log.push(event),
    })
    await other.tick()
    const states = await Promise.all(answers.map(({ json }) => read(json.operationId)))
    expect(states.map(({ status }) => status)).toEqual(['accepted', 'ready'])
    expect(log).toContainEqual(
      expect.objectContaining({ event: 'store', code: 'store-unavailable' }),
    )
    expect(JSON.stringify(log)).not.toContain('secret words')
  })

  test('moves at most 100 operations, those that waited longest first', async () => {
    const { ownRelay } = await openSlowRelay(0)
    ownRelay.gateway.inject({ fault: 'throttled', action: create, times: 130 })
    const bodies = Array.from({ length: 130 }, fresh)
    for (const body of bodies) await ownRelay.create(body)
    const counts = () => {
      const names = ownRelay.gateway.images.all().map(({ name }) => name)
      return bodies.map(({ name }) => names.filter((one) => one === name).length)
    }
    later(31)
    await ownRelay.tick()
    expect(counts()).toEqual([...Array(100).fill(1), ...Array(30).fill(0)])
    await ownRelay.tick()
    expect(counts()).toEqual(Array(130).fill(1))
    const ticks = ownRelay.log.filter(({ event }) => event === 'tick')
    expect(ticks.map(({ due }) => due)).toEqual([100, 30])
    await ownRelay.close()
  })
})

test('a tick with faulty settings fails, so that the platform records it', async () => {
  const app = createApp({ settings: await parseSettings({}), log: () => {} })
  await expect(app.tick()).rejects.toThrow(/^The tick failed: not-configured$/)
})

test('a tick ends at the deadline of its platform', async () => {
  const gateway = await openGateway(secrets)
  const log: LogEvent[] = []
  const app = createApp({
    settings: await parseSettings(environmentFor(gateway.origin)),
    store: memoryStore(),
    transport: httpTransport(),
    log: (event) => log.push(event),
  })
  gateway.inject({ fault: 'throttled', action: create })
  const asked = initOf({ method: 'POST', body: fresh() })
  await app.fetch(new Request('https://relay.test/v1/server-images', asked))
  await systemClock.sleep(1_100)
  gateway.received.length = 0
  await app.tick({ deadline: Date.now() })
  expect([log.at(-1)?.due, gateway.received]).toEqual([1, []])
  await app.tick({ deadline: Date.now() + 60 * SECOND })
  expect(gateway.received.filter(({ action }) => action === create)).toHaveLength(1)
  await gateway.close()
})

test('a tick without a store does nothing', async () => {
  const ownRelay = await openRelay({ store: false })
  await ownRelay.tick()
  await ownRelay.close()
})

test('a create whose claim is stored gives 202 when the store fails later', async () => {
  const failing = withChanges(store, async (next, write) => {
    if (next.state === 'applied') throw new Error('secret words')
    return write(next)
  })
  const gateway = { now: () => Date.now() }
  const ownRelay = await openRelay({ store: failing, gateway })
  const { status, json, headers } = await ownRelay.create({ ...smallest, name: 'store-fails' })
  // The reply has the stored state, not the state before the attempt.
  expect([status, json.status, json.attempt]).toEqual([202, 'sending', 1])
  expect(headers.get('location')).toBe(`/v1/operations/${json.operationId}`)
  expect(JSON.stringify(ownRelay.log)).not.toContain('secret words')
  await ownRelay.close()
})

describe('a failing store', () => {
  const relayWith = (broken: Partial<Store>) => openRelay({ store: { ...store, ...broken } })
  const fail = async () => {
    throw new Error('secret words')
  }

  test('that loses its reply to a claim does not stop the create', async () => {
    const claim: Store['claim'] = async (...claim) => {
      await store.claim(...claim)
      return fail()
    }
    const ownRelay = await relayWith({ claim })
    const { status, headers } = await ownRelay.create(fresh())
    expect([status, headers.get('idempotent-replayed')]).toEqual([201, null])
    await ownRelay.close()
  })

  test('that gets one claim twice does not make the create a replay', async () => {
    const claim: Store['claim'] = async (...claim) => {
      await store.claim(...claim)
      return store.claim(...claim)
    }
    const ownRelay = await relayWith({ claim })
    const { status, headers } = await ownRelay.create(fresh())
    expect([status, headers.get('idempotent-replayed')]).toEqual([201, null])
    await ownRelay.close()
  })

  test('that stores no claim makes the create fail with 503, and nothing is sent', async () => {
    const ownRelay = await relayWith({ claim: fail })
    const { status, json } = await ownRelay.create(fresh())
    expect([status, json.code, json.outcome]).toEqual([503, 'store-unavailable', undefined])
    expect(ownRelay.gateway.received).toEqual([])
    await ownRelay.close()
  })

  test('that fails while the caller waits leaves the last known state as the reply', async () => {
    const ownRelay = await openRelay({
      store: { ...store, get: fail },
      gateway: { readyAfterMs: 60_000 },
    })
    const { status, json } = await ownRelay.create(fresh(), { headers: { prefer: 'wait=2' } })
    expect([status, json.status]).toEqual([201, 'pending'])
    await ownRelay.close()
  })

  test('that cannot store a new read of the image leaves the stored state as the reply', async () => {
    const ownRelay = await openRelay({
      store: withChanges(store, (next, write) => (next.version > 3 ? fail() : write(next))),
      gateway: { readyAfterMs: 60_000 },
      clock: { ...systemClock, now: () => Date.now() + ahead },
    })
    const body = fresh()
    await ownRelay.create(body)
    ahead = 6 * SECOND
    const { status, json } = await ownRelay.create(body)
    expect([status, json.status]).toEqual([200, 'pending'])
    expect(JSON.stringify(ownRelay.log)).not.toContain('secret words')
    await ownRelay.close()
  })
})

describe('a conflict', () => {
  const conflicting = async () => {
    relay.gateway.inject({ fault: 'reset-before', action: create, applied: true })
    const body = fresh()
    const { json } = await relay.create(body)
    // The image is copied together with its description.
    const [image] = made(body.name)
    if (!image) throw new Error('No image was made')
    const { no: _, ...copied } = image
    const copy = relay.gateway.images.add(copied)
    later(640)
    await relay.tick()
    const resolve = (resolution: unknown, as = 'admin', headers = {}) =>
      relay.request(`/v1/operations/${json.operationId}/resolution`, {
        method: 'POST',
        as,
        headers,
        body: resolution,
      })
    return { id: json.operationId, body, image, copy, resolve }
  }

  test('waits for a person, keeps its name and is returned to a repeat', async () => {
    const { id, body, image, copy } = await conflicting()
    const now = await read(id)
    expect([now.final, now.stalled, now.candidates.sort()]).toEqual([
      true,
      false,
      [image.no, copy.no].sort(),
    ])
    expect([now.status, now.history.at(-1)]).toEqual([
      'conflict',
      expect.objectContaining({ actor: 'tick', reason: 'ambiguous' }),
    ])
    later(3_600)
    await relay.tick()
    expect((await read(id)).status).toBe('conflict')
    const repeated = await relay.create(body)
    expect([repeated.status, repeated.json.status]).toEqual([200, 'conflict'])
    const other = await relay.create({ ...body, description: 'other' })
    expect([other.status, other.json.code]).toEqual([409, 'name-taken'])
  })

  test('is resolved by the number of the image', async () => {
    const { resolve, copy } = await conflicting()
    const { status, json } = await resolve({ imageNo: copy.no })
    expect([status, json.status, json.image.imageNo]).toEqual([200, 'ready', copy.no])
    expect(json.candidates).toEqual([])
    expect(json.history.at(-1)).toMatchObject({ actor: 'key:admin', reason: 'resolved' })
  })

  test('is resolved by an image that is waited for', async () => {
    const { resolve, copy } = await conflicting()
    const { images } = relay.gateway
    images.change(copy.no, { state: states.creating })
    setTimeout(() => images.change(copy.no, { state: states.created }), 500)
    const resolved = await resolve({ imageNo: copy.no }, 'admin', { prefer: 'wait=2' })
    expect([resolved.status, resolved.json.status]).toEqual([200, 'ready'])
    expect(resolved.headers.get('preference-applied')).toBe('wait=2')
    expect(resolved.headers.get('retry-after')).toBeNull()
  })

  test('is resolved by abandoning it, which frees the name', async () => {
    const { resolve, body, image, copy } = await conflicting()
    const { json } = await resolve({ abandon: true })
    expect([json.status, json.history.at(-1).reason]).toEqual(['not_applied', 'resolved'])
    for (const { no } of [image, copy]) relay.gateway.images.delete(no)
    expect((await relay.create(body)).status).toBe(201)
  })

  test('is resolved only by an admin, only once, and only by an image with its name', async () => {
    const { resolve, id } = await conflicting()
    const codes = async (resolution: unknown, as?: string) => {
      const { status, json } = await resolve(resolution, as)
      return [status, json.code, json.errors?.[0]?.path].filter((part) => part !== undefined)
    }
    expect(await codes({ abandon: true }, 'ci')).toEqual([403, 'forbidden'])
    expect(await codes({ imageNo: '12341457' })).toEqual([422, 'invalid-input', 'imageNo'])
    expect(await codes({ imageNo: '999' })).toEqual([404, 'image-not-found'])
    const wrong = [{}, { abandon: false }, { imageNo: 1 }, { imageNo: '1', abandon: true }, []]
    for (const resolution of wrong) {
      expect(await codes(resolution)).toEqual([422, 'invalid-input', ''])
    }
    expect((await read(id)).status).toBe('conflict')
    expect((await resolve({ abandon: true })).status).toBe(200)
    expect(await codes({ abandon: true })).toEqual([409, 'not-in-conflict'])
    const unknown = '/v1/operations/op_00000000000000000000000000000000/resolution'
    const asked = { method: 'POST', as: 'admin', body: { abandon: true } }
    expect((await relay.request(unknown, asked)).status).toBe(404)
  })
})

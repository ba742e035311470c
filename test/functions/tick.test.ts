import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createApp } from '../../functions/app.ts'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import { openSqlite } from '../../functions/platform/node/sqlite-file.ts'
import { systemClock } from '../../shared/clock.ts'
import { sqliteStore } from '../../shared/creation/sqlite-store.ts'
import type { CreationStore } from '../../shared/creation/store.ts'
import type { LogEvent } from '../../shared/log.ts'
import { parseSettings } from '../../shared/settings.ts'
import { openGateway } from '../gateway/gateway.ts'
import { memoryStore } from '../shared/creation/memory-store.ts'
import { secrets } from '../support/canaries.ts'
import { environmentFor, initOf, openRelay, type Relay, smallest } from '../support/relay.ts'

const create = 'createServerImageFromSnapshot'
const SECOND = 1_000

let relay: Relay
/** By how much the relay's clock, and the gateway's, run ahead. */
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
const read = async (id: string) => (await relay.request(`/v1/creations/${id}`)).json
const later = (seconds: number) => {
  ahead += seconds * SECOND
  gatewayAhead += seconds * SECOND
}

/** A door of its own, at whose gateway images take so long. */
async function slowDoor(readyAfterMs = 60 * SECOND) {
  const door = await openRelay({
    clock: { ...systemClock, now: () => Date.now() + ahead },
    gateway: { now: () => Date.now() + gatewayAhead, readyAfterMs },
  })
  const looks = () =>
    door.gateway.received.filter(({ action }) => action === 'getServerImageDetail')
  return { door, looks }
}

describe('the tick', () => {
  test('finds the image of an attempt whose answer was lost, and makes no second one', async () => {
    relay.gateway.inject({ fault: 'reset-before', action: create, applied: true })
    const body = fresh()
    const { json } = await relay.create(body)
    expect(json.state).toBe('unknown')
    await relay.tick()
    expect((await read(json.creationId)).state).toBe('unknown')
    later(31)
    await relay.tick()
    const now = await read(json.creationId)
    expect([now.state, now.attempt, now.image.name]).toEqual(['created', 1, body.name])
    expect(now.history.at(-1)).toMatchObject({ actor: 'tick', to: 'created', reason: 'adopted' })
    expect(made(body.name)).toHaveLength(1)
  })

  test('attempts again what never arrived, once that is proved by the gateway’s clock', async () => {
    relay.gateway.inject({ fault: 'reset-before', action: create })
    const body = fresh()
    const { json } = await relay.create(body)
    ahead = 640 * SECOND
    await relay.tick()
    expect((await read(json.creationId)).state).toBe('unknown')
    ahead = 0
    later(700)
    await relay.tick()
    const now = await read(json.creationId)
    expect([now.state, now.attempt]).toEqual(['created', 2])
    expect(made(body.name)).toHaveLength(1)
  })

  test('sends what the gateway asked to send later', async () => {
    relay.gateway.inject({ fault: 'throttled', action: create })
    const { json } = await relay.create(fresh())
    expect(json.state).toBe('accepted')
    later(31)
    await relay.tick()
    expect((await read(json.creationId)).state).toBe('created')
  })

  test('follows an image to its end, and looks no more', async () => {
    const { door, looks } = await slowDoor()
    await door.create(fresh())
    for (const seconds of [4, 2, 300, 3_600]) {
      later(seconds)
      await door.tick()
    }
    // Not before 5 s; then pending, then ready, and then never again.
    expect(looks()).toHaveLength(2)
    await door.close()
  })

  test('follows an image that never ends for a day', async () => {
    const { door, looks } = await slowDoor(48 * 3_600 * SECOND)
    await door.create(fresh())
    for (let hour = 0; hour < 30; hour++) {
      later(3_600)
      await door.tick()
    }
    expect(looks()).toHaveLength(24)
    await door.close()
  })

  test('of two at once, one attempts', async () => {
    relay.gateway.inject({ fault: 'throttled', action: create, times: 20 })
    const bodies = Array.from({ length: 20 }, fresh)
    await Promise.all(bodies.map((body) => relay.create(body)))
    later(31)
    await Promise.all([relay.tick(), relay.tick(), relay.tick()])
    expect(bodies.map(({ name }) => made(name).length)).toEqual(Array(20).fill(1))
  })

  test('passes over a creation that cannot be stored, and says what went wrong', async () => {
    relay.gateway.inject({ fault: 'throttled', action: create, times: 2 })
    const [first, second] = [fresh(), fresh()]
    const told = [await relay.create(first), await relay.create(second)]
    const broken: CreationStore = {
      ...store,
      replace: async (next) => {
        if (next.content.name === first.name) throw new Error('secret words')
        return store.replace(next)
      },
    }
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
    const states = await Promise.all(told.map(({ json }) => read(json.creationId)))
    expect(states.map(({ state }) => state)).toEqual(['accepted', 'created'])
    expect(log).toContainEqual(expect.objectContaining({ event: 'defect' }))
    expect(JSON.stringify(log)).not.toContain('secret words')
  })

  test('moves a hundred at most, the longest waiting first', async () => {
    const { door } = await slowDoor(0)
    door.gateway.inject({ fault: 'throttled', action: create, times: 130 })
    const bodies = Array.from({ length: 130 }, fresh)
    for (const body of bodies) await door.create(body)
    const counts = () => {
      const names = door.gateway.images.all().map(({ name }) => name)
      return bodies.map(({ name }) => names.filter((one) => one === name).length)
    }
    later(31)
    await door.tick()
    expect(counts()).toEqual([...Array(100).fill(1), ...Array(30).fill(0)])
    await door.tick()
    expect(counts()).toEqual(Array(130).fill(1))
    const ticks = door.log.filter(({ event }) => event === 'tick')
    expect(ticks.map(({ due }) => due)).toEqual([100, 30])
    await door.close()
  })
})

test('on faulty settings a tick fails, so that the platform records it', async () => {
  const app = createApp({ settings: await parseSettings({}), log: () => {} })
  await expect(app.tick()).rejects.toThrow(/^The tick failed: not-configured$/)
})

test('a tick ends when its platform would end it', async () => {
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

test('where nothing is kept a tick has nothing to do', async () => {
  const door = await openRelay({ store: false })
  await door.tick()
  await door.close()
})

test('a create whose claim is stored is 202, whatever becomes of the store then', async () => {
  const failing: CreationStore = {
    ...store,
    replace: async (next) => {
      if (next.state === 'created') throw new Error('secret words')
      return store.replace(next)
    },
  }
  const gateway = { now: () => Date.now() }
  const door = await openRelay({ store: failing, gateway })
  const { status, json, headers } = await door.create({ ...smallest, name: 'store-fails' })
  // What is stored is told, not what was believed before the attempt.
  expect([status, json.state, json.attempt]).toEqual([202, 'sending', 1])
  expect(headers.get('location')).toBe(`/v1/creations/${json.creationId}`)
  expect(JSON.stringify(door.log)).not.toContain('secret words')
  await door.close()
})

describe('a store that fails now and then', () => {
  const doorWith = (broken: Partial<CreationStore>) => openRelay({ store: { ...store, ...broken } })
  const fail = async () => {
    throw new Error('secret words')
  }

  test('after it stored a claim, whose answer is lost: the create goes on', async () => {
    const claim: CreationStore['claim'] = async (...claim) => {
      await store.claim(...claim)
      return fail()
    }
    const door = await doorWith({ claim })
    const { status, headers } = await door.create(fresh())
    expect([status, headers.get('idempotent-replayed')]).toEqual([201, null])
    await door.close()
  })

  test('that is asked twice for one claim: it is no replay', async () => {
    const claim: CreationStore['claim'] = async (...claim) => {
      await store.claim(...claim)
      return store.claim(...claim)
    }
    const door = await doorWith({ claim })
    const { status, headers } = await door.create(fresh())
    expect([status, headers.get('idempotent-replayed')]).toEqual([201, null])
    await door.close()
  })

  test('before it stores a claim: nothing happened, and 500 says so', async () => {
    const door = await doorWith({ claim: fail })
    expect((await door.create(fresh())).status).toBe(500)
    expect(door.gateway.received).toEqual([])
    await door.close()
  })

  test('while the caller waits: what was seen is told', async () => {
    const door = await openRelay({
      store: { ...store, read: fail },
      gateway: { readyAfterMs: 60_000 },
    })
    const { status, json } = await door.create(fresh(), { headers: { prefer: 'wait=2' } })
    expect([status, json.state]).toEqual([201, 'created'])
    await door.close()
  })

  test('when a repeat has read the image again: what is stored is told', async () => {
    const door = await openRelay({
      store: {
        ...store,
        replace: async (next) => (next.version > 3 ? fail() : store.replace(next)),
      },
      gateway: { readyAfterMs: 60_000 },
      clock: { ...systemClock, now: () => Date.now() + ahead },
    })
    const body = fresh()
    await door.create(body)
    ahead = 6 * SECOND
    const { status, json } = await door.create(body)
    expect([status, json.state]).toEqual([200, 'created'])
    expect(JSON.stringify(door.log)).not.toContain('secret words')
    await door.close()
  })
})

describe('a conflict', () => {
  const conflicting = async () => {
    relay.gateway.inject({ fault: 'reset-before', action: create, applied: true })
    const body = fresh()
    const { json } = await relay.create(body)
    // Somebody copies the image, its description included.
    const [image] = made(body.name)
    if (!image) throw new Error('No image was made')
    const { no: _, ...copied } = image
    const copy = relay.gateway.images.add(copied)
    later(640)
    await relay.tick()
    const settle = (resolution: unknown, as = 'admin') =>
      relay.request(`/v1/creations/${json.creationId}/resolution`, {
        method: 'POST',
        as,
        body: resolution,
      })
    return { id: json.creationId, body, image, copy, settle }
  }

  test('waits for a person, whom the name and a repeat wait for too', async () => {
    const { id, body } = await conflicting()
    const now = await read(id)
    expect([now.state, now.history.at(-1)]).toEqual([
      'conflict',
      expect.objectContaining({ actor: 'tick', reason: 'ambiguous' }),
    ])
    later(3_600)
    await relay.tick()
    expect((await read(id)).state).toBe('conflict')
    const repeated = await relay.create(body)
    expect([repeated.status, repeated.json.state]).toEqual([200, 'conflict'])
    const other = await relay.create({ ...body, description: 'other' })
    expect([other.status, other.json.code]).toEqual([409, 'name-taken'])
  })

  test('is settled by the number of the image', async () => {
    const { settle, copy } = await conflicting()
    const { status, json } = await settle({ imageNo: copy.no })
    expect([status, json.state, json.image.imageNo]).toEqual([200, 'created', copy.no])
    expect(json.history.at(-1)).toMatchObject({ actor: 'key:admin', reason: 'resolved' })
  })

  test('is settled by giving it up, which frees the name', async () => {
    const { settle, body, image, copy } = await conflicting()
    const { json } = await settle({ abandon: true })
    expect([json.state, json.history.at(-1).reason]).toEqual(['not_created', 'resolved'])
    for (const { no } of [image, copy]) relay.gateway.images.delete(no)
    expect((await relay.create(body)).status).toBe(201)
  })

  test('is settled by an admin alone, once, and by an image of its name', async () => {
    const { settle, id } = await conflicting()
    const codes = async (resolution: unknown, as?: string) => {
      const { status, json } = await settle(resolution, as)
      return [status, json.code, json.errors?.[0]?.path].filter((part) => part !== undefined)
    }
    expect(await codes({ abandon: true }, 'ci')).toEqual([403, 'forbidden'])
    expect(await codes({ imageNo: '12341457' })).toEqual([422, 'invalid-input', 'imageNo'])
    expect(await codes({ imageNo: '999' })).toEqual([404, 'image-not-found'])
    const wrong = [{}, { abandon: false }, { imageNo: 1 }, { imageNo: '1', abandon: true }, []]
    for (const resolution of wrong) {
      expect(await codes(resolution)).toEqual([422, 'invalid-input', ''])
    }
    expect((await read(id)).state).toBe('conflict')
    expect((await settle({ abandon: true })).status).toBe(200)
    expect(await codes({ abandon: true })).toEqual([422, 'invalid-input'])
    const unknown = '/v1/creations/cr_00000000000000000000000000000000/resolution'
    const asked = { method: 'POST', as: 'admin', body: { abandon: true } }
    expect((await relay.request(unknown, asked)).status).toBe(404)
  })
})

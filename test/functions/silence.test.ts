import { afterEach, beforeEach, expect, test } from 'vitest'
import { createApp } from '../../functions/app.ts'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import { systemClock } from '../../shared/clock.ts'
import { parseSettings } from '../../shared/settings.ts'
import type { Transport } from '../../shared/transport.ts'
import { environmentFor, openRelay, type Relay } from '../support/relay.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 10, 20, 12)
const HOOK = 'http://127.0.0.1:9/hook'

const nightly = {
  name: 'nightly-web',
  cron: '30 3 * * *',
  timeZone: 'Asia/Seoul',
  image: { name: 'web-{yyMMdd}-{HHmm}', storages: [{ snapshotNo: '12344697' }] },
  notify: ['hook'],
  expectEveryHours: 26,
}
const secret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`

let now: number
let relay: Relay
/** What the target was told, with the hour since the start. */
let told: { hour: number; type: string; lastReadyAt?: string | null }[]

async function open(jobs: object | object[] = nightly, more: object = {}) {
  const real = httpTransport()
  const transport: Transport = async (request, timeoutMs) => {
    if (String(request.url) !== HOOK) return real(request, timeoutMs)
    const { type, data } = JSON.parse(request.body ?? '')
    const hour = Math.floor((now - START) / HOUR)
    told.push({ hour, type, ...(type === 'job.overdue' && { lastReadyAt: data.lastReadyAt }) })
    return { status: 204, headers: new Headers(), body: undefined }
  }
  relay = await openRelay({
    transport,
    clock: { ...systemClock, now: () => now },
    gateway: { now: () => now, readyAfterMs: 0 },
    environment: {
      RELAY_JOBS: [jobs].flat(),
      RELAY_NOTIFY: { hook: { format: 'standard-webhooks', url: HOOK, secret }, ...more },
    },
  })
}

/** Ticks every quarter of an hour, until so many hours after the start. */
async function until(hour: number) {
  while (now < START + hour * HOUR) {
    now += HOUR / 4
    await relay.tick()
  }
}

/** One that comes round more often. */
const often = { ...nightly, cron: '0 * * * *', timeZone: 'UTC', expectEveryHours: 2 }

const silences = () => told.filter(({ type }) => type === 'job.overdue')

/** From now on the snapshot of the job is of no use, or is again. */
function breakSnapshot(bootable: boolean) {
  relay.gateway.snapshots.change('12344697', { bootable })
}

beforeEach(() => {
  now = START
  told = []
})
afterEach(() => relay.close())

test('a job that has its image each night is told of as ready, and never as silent', async () => {
  await open()
  await until(24 * 5)
  expect(told.map(({ type }) => type)).toEqual(Array(5).fill('creation.ready'))
})

test('one that never had an image is silent once its time is over, and each day after', async () => {
  await open()
  breakSnapshot(false)
  await until(100)
  // Just after 26 hours, and a day after each time it was told.
  expect(silences()).toEqual([
    { hour: 26, type: 'job.overdue', lastReadyAt: null },
    { hour: 50, type: 'job.overdue', lastReadyAt: null },
    { hour: 74, type: 'job.overdue', lastReadyAt: null },
    { hour: 98, type: 'job.overdue', lastReadyAt: null },
  ])
})

test('one that stops is silent from its last ready image on, until there is one again', async () => {
  await open()
  await until(12)
  breakSnapshot(false)
  // Half past three in Seoul is 18:30 in UTC, six hours and a half after the start.
  await until(60)
  expect(silences()).toEqual([
    { hour: 32, type: 'job.overdue', lastReadyAt: '2026-11-21T03:30:00+09:00' },
    { hour: 56, type: 'job.overdue', lastReadyAt: '2026-11-21T03:30:00+09:00' },
  ])
  breakSnapshot(true)
  await until(24 * 6)
  expect(silences()).toHaveLength(2)
})

test('one that is well for a while, and silent again on the same day, is told of again', async () => {
  await open(often)
  breakSnapshot(false)
  await until(3.5)
  breakSnapshot(true)
  await until(5.5)
  breakSnapshot(false)
  await until(24)
  // Ready at 4 and at 5 o'clock.
  expect(silences().map(({ hour }) => hour)).toEqual([2, 7])
})

test('its last image is found behind hundreds of others', async () => {
  await open({ ...nightly, expectEveryHours: 25 })
  await until(7)
  for (let count = 0; count < 250; count++) {
    await relay.create({ name: `other-${count}`, storages: [{ snapshotNo: '12344697' }] })
  }
  await until(30)
  expect(silences()).toEqual([])
})

test('its times may change, and its last image counts all the same', async () => {
  await open()
  await until(7)
  breakSnapshot(false)
  // The first look, when it is overdue since it was first seen.
  await until(27)
  const { gateway, store } = relay
  const RELAY_JOBS = [{ ...nightly, cron: '0 4 * * *' }]
  const RELAY_NOTIFY = { hook: { format: 'slack', url: HOOK } }
  const other = createApp({
    settings: await parseSettings(environmentFor(gateway.origin, { RELAY_JOBS, RELAY_NOTIFY })),
    store,
    clock: { ...systemClock, now: () => now },
    log: () => {},
  })
  await other.tick()
  const seen = (await store.readJobs())?.jobs['nightly-web']
  const readyAt = Date.UTC(2026, 10, 20, 18, 30)
  expect(seen).toMatchObject({ cron: '0 4 * * *', seenAt: now, readyAt })
})

test('more jobs than can be told of at once are told of at the next tick', async () => {
  const notify = Array.from({ length: 20 }, (_, no) => `target-${no}`)
  const jobs = Array.from({ length: 6 }, (_, no) => ({ ...nightly, name: `job-${no}`, notify }))
  const target = { format: 'standard-webhooks', url: HOOK, secret }
  await open(jobs, Object.fromEntries(notify.map((name) => [name, target])))
  breakSnapshot(false)
  now += HOUR / 4
  await relay.tick()
  now += 26 * HOUR
  const counts = []
  for (let tick = 0; tick < 3; tick++) {
    await relay.tick()
    counts.push(silences().length)
    now += 60_000
  }
  expect(counts).toEqual([80, 120, 120])
})

test('an image that somebody had made by hand is heard too', async () => {
  await open()
  breakSnapshot(false)
  await until(20)
  breakSnapshot(true)
  await relay.request('/v1/jobs/nightly-web/runs', { method: 'POST' })
  breakSnapshot(false)
  await until(52)
  expect(silences().map(({ hour }) => hour)).toEqual([46])
})

test('an image that failed is not heard', async () => {
  await open()
  relay.gateway.snapshots.change('12344697', { doomed: true })
  await until(30)
  expect(told.map(({ type }) => type)).toEqual(['creation.failed', 'job.overdue'])
})

test('images of others are not its own', async () => {
  await open()
  breakSnapshot(false)
  await until(20)
  breakSnapshot(true)
  await relay.create({ name: 'web-golden', storages: [{ snapshotNo: '12344697' }] })
  breakSnapshot(false)
  await until(30)
  expect(silences().map(({ hour }) => hour)).toEqual([26])
})

test('a job of which nothing is expected is never silent', async () => {
  const { expectEveryHours: _, ...careless } = nightly
  await open(careless)
  breakSnapshot(false)
  await until(60)
  expect(silences()).toEqual([])
})

test('two ticks at once tell it once', async () => {
  await open()
  breakSnapshot(false)
  now = START + HOUR / 4
  await relay.tick()
  now = START + 27 * HOUR
  await Promise.all([relay.tick(), relay.tick(), relay.tick()])
  expect(silences()).toHaveLength(1)
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import { createApp } from '../../functions/app.ts'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import { parseSettings } from '../../shared/settings.ts'
import { systemClock } from '../../shared/web/clock.ts'
import type { Transport } from '../../shared/web/transport.ts'
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
/** The notifications that the target received, with the hours since the start. */
let received: { hour: number; type: string; lastReadyAt?: string | null }[]

async function open(jobs: object | object[] = nightly, more: object = {}) {
  const real = httpTransport()
  const transport: Transport = async (request, timeoutMs) => {
    if (String(request.url) !== HOOK) return real(request, timeoutMs)
    const { type, data } = JSON.parse(request.body ?? '')
    const hour = Math.floor((now - START) / HOUR)
    received.push({ hour, type, ...(type === 'job.overdue' && { lastReadyAt: data.lastReadyAt }) })
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

/** Ticks every 15 minutes until a number of hours after the start. */
async function until(hour: number) {
  while (now < START + hour * HOUR) {
    now += HOUR / 4
    await relay.tick()
  }
}

/** A job that runs every hour. */
const often = { ...nightly, cron: '0 * * * *', timeZone: 'UTC', expectEveryHours: 2 }

const overdueNotices = () => received.filter(({ type }) => type === 'job.overdue')

/** Makes the job's snapshot usable or unusable from now on. */
function setBootable(bootable: boolean) {
  relay.gateway.snapshots.change('12344697', { bootable })
}

beforeEach(() => {
  now = START
  received = []
})
afterEach(() => relay.close())

test('a job with an image each night is reported as ready and never as overdue', async () => {
  await open()
  await until(24 * 5)
  expect(received.map(({ type }) => type)).toEqual(Array(5).fill('operation.ready'))
})

test('a job that never had an image is reported after its deadline and each day after', async () => {
  await open()
  setBootable(false)
  await until(100)
  // After 26 hours, and one day after each report.
  expect(overdueNotices()).toEqual([
    { hour: 26, type: 'job.overdue', lastReadyAt: null },
    { hour: 50, type: 'job.overdue', lastReadyAt: null },
    { hour: 74, type: 'job.overdue', lastReadyAt: null },
    { hour: 98, type: 'job.overdue', lastReadyAt: null },
  ])
})

test('the deadline counts from the last ready image, and a new image ends the reports', async () => {
  await open()
  const isOverdue = async () => (await relay.request('/v1/jobs')).json.items[0].overdue
  await until(12)
  expect(await isOverdue()).toBe(false)
  setBootable(false)
  // 03:30 in Seoul is 18:30 UTC, six and a half hours after the start.
  await until(60)
  expect(overdueNotices()).toEqual([
    { hour: 32, type: 'job.overdue', lastReadyAt: '2026-11-21T03:30:00+09:00' },
    { hour: 56, type: 'job.overdue', lastReadyAt: '2026-11-21T03:30:00+09:00' },
  ])
  expect(await isOverdue()).toBe(true)
  setBootable(true)
  await until(24 * 6)
  expect(await isOverdue()).toBe(false)
  expect(overdueNotices()).toHaveLength(2)
})

test('a job that recovers and is overdue again on the same day is reported again', async () => {
  await open(often)
  setBootable(false)
  await until(3.5)
  setBootable(true)
  await until(5.5)
  setBootable(false)
  await until(24)
  // Images became ready 4 and 5 hours after the start.
  expect(overdueNotices().map(({ hour }) => hour)).toEqual([2, 7])
})

test('the last image of a job is found behind hundreds of others', async () => {
  await open({ ...nightly, expectEveryHours: 25 })
  await until(7)
  for (let count = 0; count < 250; count++) {
    await relay.create({ name: `other-${count}`, storages: [{ snapshotNo: '12344697' }] })
  }
  await until(30)
  expect(overdueNotices()).toEqual([])
})

test('the last ready image still counts when the schedule of a job changes', async () => {
  await open()
  await until(7)
  setBootable(false)
  // The relay first looks for an image 26 hours after it first saw the job.
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
  const seen = (await store.get('jobs', 'all'))?.jobs['nightly-web']
  const readyAt = Date.UTC(2026, 10, 20, 18, 30)
  expect(seen).toMatchObject({ cron: '0 4 * * *', seenAt: now, readyAt })
})

test('the next tick reports overdue jobs that were too many for one tick', async () => {
  const notify = Array.from({ length: 20 }, (_, no) => `target-${no}`)
  const jobs = Array.from({ length: 6 }, (_, no) => ({ ...nightly, name: `job-${no}`, notify }))
  const target = { format: 'standard-webhooks', url: HOOK, secret }
  await open(jobs, Object.fromEntries(notify.map((name) => [name, target])))
  setBootable(false)
  now += HOUR / 4
  await relay.tick()
  now += 26 * HOUR
  const counts = []
  for (let tick = 0; tick < 3; tick++) {
    await relay.tick()
    counts.push(overdueNotices().length)
    now += 60_000
  }
  expect(counts).toEqual([80, 120, 120])
})

test('an image of a requested run counts too', async () => {
  await open()
  setBootable(false)
  await until(20)
  setBootable(true)
  await relay.request('/v1/jobs/nightly-web/runs', { method: 'POST' })
  setBootable(false)
  await until(52)
  expect(overdueNotices().map(({ hour }) => hour)).toEqual([46])
})

test('an image that failed does not count', async () => {
  await open()
  relay.gateway.snapshots.change('12344697', { doomed: true })
  await until(30)
  expect(received.map(({ type }) => type)).toEqual(['operation.failed', 'job.overdue'])
})

test('images that the job did not make do not count', async () => {
  await open()
  setBootable(false)
  await until(20)
  setBootable(true)
  await relay.create({ name: 'web-golden', storages: [{ snapshotNo: '12344697' }] })
  setBootable(false)
  await until(30)
  expect(overdueNotices().map(({ hour }) => hour)).toEqual([26])
})

test('a job without expectEveryHours is never reported', async () => {
  const { expectEveryHours: _, ...withoutExpectation } = nightly
  await open(withoutExpectation)
  setBootable(false)
  await until(60)
  expect(overdueNotices()).toEqual([])
})

test('concurrent ticks report an overdue job once', async () => {
  await open()
  setBootable(false)
  now = START + HOUR / 4
  await relay.tick()
  now = START + 27 * HOUR
  await Promise.all([relay.tick(), relay.tick(), relay.tick()])
  expect(overdueNotices()).toHaveLength(1)
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createApp } from '../../functions/app.ts'
import type { JobSeen } from '../../shared/jobs/record.ts'
import { parseSettings } from '../../shared/settings.ts'
import { systemClock } from '../../shared/web/clock.ts'
import { koreanDate, states } from '../gateway/shelf.ts'
import { replaceJobs } from '../shared/store/writes.ts'
import { isCampaign } from '../support/counts.ts'
import {
  type Asked,
  environmentFor,
  initOf,
  openRelay,
  type Relay,
  type RelayOptions,
} from '../support/relay.ts'

const create = 'createServerImageFromSnapshot'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const PENDING_IMAGES = isCampaign ? 1_000 : 300
/** 03:30 in Seoul. */
const HALF_PAST_THREE = Date.UTC(2026, 10, 21, 18, 30)

const storage = '12340001'
const nightly = {
  name: 'nightly-web',
  cron: '30 3 * * *',
  timeZone: 'Asia/Seoul',
  image: { name: 'web-{yyyyMMdd}', storages: [{ latestSnapshotOf: storage }] },
}
const byMinute = {
  ...nightly,
  name: 'by-minute',
  image: { name: 'web-{yyMMdd}-{HHmm}', storages: [{ snapshotNo: '12344697' }] },
}
const targets = { ops: { format: 'slack', url: 'http://127.0.0.1:9/ops' } }

/** The present time for the relay and the gateway. */
let now = HALF_PAST_THREE
let relay: Relay

async function open(jobs: unknown[], options: RelayOptions = {}) {
  const { environment, ...more } = options
  relay = await openRelay({
    clock: { ...systemClock, now: () => now },
    gateway: { now: () => now, readyAfterMs: 0 },
    environment: { RELAY_JOBS: jobs, RELAY_NOTIFY: targets, ...environment },
    ...more,
  })
  const { snapshots } = relay.gateway
  snapshots.add({ name: 'fresh', createDate: koreanDate(now - HOUR) })
  snapshots.add({ name: 'older', createDate: koreanDate(now - 2 * HOUR) })
}

/** Opens a second relay on the same store with other jobs. */
async function relayBeside(jobs: unknown[]) {
  const { gateway, store } = relay
  const environment = environmentFor(gateway.origin, { RELAY_JOBS: jobs })
  return createApp({
    settings: await parseSettings(environment),
    store,
    clock: { ...systemClock, now: () => now },
    log: (event) => relay.log.push(event),
  })
}

const made = () => relay.gateway.images.all().filter(({ no }) => no.startsWith('300'))
const creates = () => relay.gateway.received.filter(({ action }) => action === create)
const usedSnapshots = () =>
  creates().map(({ parameters }) => parameters['blockStorageList.1.snapshotInstanceNo'])
/** Reads all jobs with their runs. */
const jobs = async () => {
  const { items } = (await relay.request('/v1/jobs')).json
  const whole = items.map(({ name }: { name: string }) => relay.request(`/v1/jobs/${name}`))
  return (await Promise.all(whole)).map(({ json }) => json)
}
const run = (name = 'by-minute', asked: Asked = {}) =>
  relay.request(`/v1/jobs/${name}/runs`, { method: 'POST', ...asked })

/** Sets the present time and runs a tick. */
async function tickAt(time: number) {
  now = time
  await relay.tick()
}

beforeEach(() => {
  now = HALF_PAST_THREE - 10 * MINUTE
})
afterEach(() => relay.close())

describe('a scheduled job', () => {
  test('makes its image once at its time, from the newest snapshot', async () => {
    await open([nightly])
    await tickAt(now)
    await tickAt(HALF_PAST_THREE - 1)
    expect(made()).toEqual([])
    for (const second of [0, 1, 60, 600]) await tickAt(HALF_PAST_THREE + second * 1_000)
    expect(made().map(({ name }) => name)).toEqual(['web-20261122'])
    expect(usedSnapshots()).toEqual(['40000001'])
  })

  test('makes no image for a time before it was first seen', async () => {
    await open([nightly])
    await tickAt(HALF_PAST_THREE + 1)
    await tickAt(HALF_PAST_THREE + MINUTE)
    expect(made()).toEqual([])
  })

  test('with a changed schedule counts as a new job', async () => {
    await open([nightly])
    await tickAt(now)
    const other = await relayBeside([{ ...nightly, cron: '29 3 * * *' }])
    now = HALF_PAST_THREE
    await other.tick()
    await other.tick()
    expect(made()).toEqual([])
  })

  test('is the caller of its operation, which every reader may see', async () => {
    await open([nightly])
    await tickAt(now)
    await tickAt(HALF_PAST_THREE)
    const [{ lastRuns }] = await jobs()
    const [{ operation, scheduledAt }] = lastRuns
    expect([operation.caller, scheduledAt]).toEqual([
      'job:nightly-web',
      '2026-11-22T03:30:00+09:00',
    ])
    const seen = async (as: string) =>
      (await relay.request(`/v1/operations/${operation.operationId}`, { as })).status
    expect([await seen('reader'), await seen('maker'), await seen('admin')]).toEqual([
      200, 403, 200,
    ])
    const listed = async (query = '') =>
      (await relay.request(`/v1/operations${query}`, { as: 'reader' })).json.items
    expect(await listed()).toEqual([operation])
    expect(await listed('?job=nightly-web&status=ready&kind=createImage')).toEqual([operation])
    expect(await listed('?job=other')).toEqual([])
    expect(await listed('?status=failed')).toEqual([])
  })

  test('is recorded as rejected when its image name is taken', async () => {
    await open([{ ...nightly, notify: ['ops'] }])
    const body = { name: 'web-20261122', storages: [{ snapshotNo: '12344697' }] }
    expect((await relay.create(body)).status).toBe(201)
    await tickAt(now)
    const attempts = () => relay.log.filter(({ event }) => event === 'notification')
    expect(attempts()).toEqual([])
    for (const second of [0, 60, 120]) await tickAt(HALF_PAST_THREE + second * 1_000)
    const [{ lastRuns }] = await jobs()
    expect(lastRuns).toHaveLength(1)
    expect(lastRuns[0].operation).toMatchObject({
      status: 'rejected',
      attempt: 0,
      problem: { code: 'name-taken' },
      history: [{ status: 'accepted' }, { status: 'rejected', reason: 'name-taken' }],
    })
    expect(creates()).toHaveLength(1)
    const { operationId } = lastRuns[0].operation
    expect(attempts()[0]).toMatchObject({ target: 'ops', operationId })
  })

  test('that is removed and added again counts as a new job', async () => {
    await open([nightly])
    await tickAt(HALF_PAST_THREE - HOUR)
    const none = await relayBeside([])
    for (const minute of [20, 10, 1]) {
      now = HALF_PAST_THREE - minute * MINUTE
      await none.tick()
    }
    await tickAt(HALF_PAST_THREE + MINUTE)
    await tickAt(HALF_PAST_THREE + 2 * MINUTE)
    expect(made()).toEqual([])
  })

  test('that only one of two relays knows is still run', async () => {
    await open([nightly])
    const other = await relayBeside([{ ...byMinute, cron: '0 0 1 1 *' }])
    for (const minute of [3, 2, 1, 0]) {
      await tickAt(HALF_PAST_THREE - minute * MINUTE)
      now += MINUTE / 2
      await other.tick()
    }
    expect(made()).toHaveLength(1)
  })

  test('that one tick has no time for is started by the next', async () => {
    await open([nightly, { ...byMinute, cron: '30 3 * * *' }])
    await tickAt(now)
    const { claim } = relay.store
    relay.store.claim = (...given) => {
      now += 20_000
      return claim(...given)
    }
    await tickAt(HALF_PAST_THREE)
    expect(made()).toHaveLength(1)
    await tickAt(HALF_PAST_THREE + HOUR)
    expect(made()).toHaveLength(2)
  })

  test('that cannot be started delays neither other images nor notifications', async () => {
    await open([nightly])
    relay.gateway.inject({ fault: 'throttled', action: create })
    const name = 'web-golden'
    await relay.create({ name, storages: [{ snapshotNo: '12344697' }], notify: ['ops'] })
    const { commit } = relay.store
    relay.store.commit = async (records) => {
      if (records.some(({ type }) => type === 'jobs')) throw new Error('secret words')
      return commit(records)
    }
    now += MINUTE
    await expect(relay.tick()).rejects.toThrow('The tick failed: store-unavailable')
    expect(made().map((image) => image.name)).toEqual([name])
    expect(relay.log.filter(({ event }) => event === 'notification')).toHaveLength(1)
  })

  test('names the storage that has no usable snapshot', async () => {
    const storages = [{ snapshotNo: '12344697' }, { latestSnapshotOf: '12340002' }]
    await open([{ ...nightly, image: { ...nightly.image, storages } }])
    await tickAt(now)
    await tickAt(HALF_PAST_THREE)
    const [{ lastRuns }] = await jobs()
    expect(lastRuns[0].operation.problem).toMatchObject({
      code: 'invalid-input',
      detail:
        'storages.1.latestSnapshotOf has no usable snapshot from the last 26 hours (storage 12340002)',
      errors: [
        {
          path: 'storages.1.latestSnapshotOf',
          message: 'has no usable snapshot from the last 26 hours (storage 12340002)',
        },
      ],
    })
    expect(creates()).toEqual([])
  })

  test('waits while the gateway cannot list snapshots', async () => {
    await open([nightly])
    await tickAt(now)
    const action = 'getBlockStorageSnapshotInstanceList'
    relay.gateway.inject({ fault: 'throttled-absurd', action })
    await tickAt(HALF_PAST_THREE)
    expect((await jobs())[0].lastRuns[0].operation).toMatchObject({
      status: 'accepted',
      problem: { code: 'upstream-throttled' },
    })
    await tickAt(HALF_PAST_THREE + HOUR)
    expect(made()).toHaveLength(1)
  })

  test('uses the same snapshot in every attempt, even if a newer one appears', async () => {
    await open([nightly])
    await tickAt(now)
    relay.gateway.inject({ fault: 'throttled', action: create })
    await tickAt(HALF_PAST_THREE)
    relay.gateway.snapshots.add({ createDate: koreanDate(now) })
    await tickAt(HALF_PAST_THREE + 2 * MINUTE)
    expect(usedSnapshots()).toEqual(['40000001', '40000001'])
  })

  test('is run once by concurrent ticks', async () => {
    await open([nightly])
    await tickAt(now)
    now = HALF_PAST_THREE
    await Promise.all([relay.tick(), relay.tick(), relay.tick()])
    expect(made()).toHaveLength(1)
    // Only one tick calls the gateway: it lists snapshots, looks up the name and creates.
    expect(relay.gateway.received).toHaveLength(3)
  })

  test('that two deployments define differently is run by one of them', async () => {
    await open([nightly])
    await tickAt(now)
    now = HALF_PAST_THREE
    const image = { ...nightly.image, description: 'other' }
    const other = await relayBeside([{ ...nightly, image }])
    await Promise.all([relay.tick(), other.tick()])
    const event = { job: 'nightly-web', scheduledAt: '2026-11-22T03:30:00+09:00' }
    await Promise.all([relay.run(event), other.run(event)])
    expect(made()).toHaveLength(1)
    expect((await jobs())[0].lastRuns).toHaveLength(1)
  })

  test('is looked for in the last 15 minutes, even if a later tick is recorded', async () => {
    await open([nightly])
    await tickAt(now)
    const record = await relay.store.get('jobs', 'all')
    if (!record) throw new Error('No job was seen')
    // A relay whose clock is ahead recorded a later tick.
    const tickedAt = HALF_PAST_THREE + HOUR
    const [[name, seen] = ['']] = Object.entries(record.jobs)
    const jobs = { [name]: { ...seen, lastSeenAt: tickedAt } as JobSeen }
    await replaceJobs(relay.store, { version: record.version + 1, tickedAt, jobs }, [])
    await tickAt(HALF_PAST_THREE + 14 * MINUTE)
    expect(made()).toHaveLength(1)
  })

  test('that cannot be claimed does not stop other jobs', async () => {
    await open([nightly, { ...byMinute, cron: '30 3 * * *' }])
    await tickAt(now)
    const { store } = relay
    const claim = store.claim
    store.claim = async (operation, ...more) => {
      if (operation.caller === 'job:nightly-web') throw new Error('secret words')
      return claim(operation, ...more)
    }
    await tickAt(HALF_PAST_THREE)
    expect(made().map(({ name }) => name)).toEqual(['web-261122-0330'])
    store.claim = claim
    // No tick was complete for longer than the minimum time that a tick looks back.
    await tickAt(HALF_PAST_THREE + 20 * MINUTE)
    expect(made().map(({ name }) => name)).toContain('web-20261122')
    expect(JSON.stringify(relay.log)).not.toContain('secret words')
  })

  test('needs a store', async () => {
    await open([nightly], { store: false })
    await expect(relay.tick()).rejects.toThrow('The tick failed: not-configured')
    expect((await relay.request('/v1/jobs')).status).toBe(503)
  })
})

describe('the latest snapshot', () => {
  const at = (age: number) => koreanDate(HALF_PAST_THREE - age)
  const unusable = {
    'being made': { state: states.creating },
    'of XEN': { hypervisor: 'XEN' },
    'not bootable': { bootable: false },
    'of another storage': { originalStorageNo: '12340009' },
    'being deleted': { state: states.terminating },
  }

  test.each(Object.entries(unusable))('is never one that is %s', async (_, part) => {
    await open([nightly])
    relay.gateway.snapshots.add({ createDate: at(MINUTE), ...part })
    await tickAt(now)
    await tickAt(HALF_PAST_THREE)
    expect(usedSnapshots()).toEqual(['40000001'])
  })

  test('need not be bootable for a storage other than the base', async () => {
    const storages = [{ latestSnapshotOf: storage }, { latestSnapshotOf: '12340002', sizeGb: 50 }]
    await open([{ ...nightly, image: { ...nightly.image, storages } }])
    const part = { originalStorageNo: '12340002', bootable: false }
    const data = relay.gateway.snapshots.add({ createDate: at(HOUR), ...part })
    await tickAt(now)
    await tickAt(HALF_PAST_THREE)
    const [sent] = creates()
    const second = ['snapshotInstanceNo', 'blockStorageSize'].map(
      (field) => sent?.parameters[`blockStorageList.2.${field}`],
    )
    expect(second).toEqual([data.no, '50'])
    const lists = relay.gateway.received.filter(({ action }) => /SnapshotInstanceList/.test(action))
    expect(lists).toHaveLength(1)
  })

  test.each([
    [undefined, 26 * HOUR, true],
    [undefined, 26 * HOUR + 1_000, false],
    [48, 47 * HOUR, true],
    [1, 90 * MINUTE, false],
  ])('with maxAgeHours %s and an age of %i ms is used: %s', async (maxAgeHours, age, isGood) => {
    const wanted = { latestSnapshotOf: '12340007', ...(maxAgeHours && { maxAgeHours }) }
    await open([{ ...nightly, image: { ...nightly.image, storages: [wanted] } }])
    relay.gateway.snapshots.add({ originalStorageNo: '12340007', createDate: at(age) })
    await tickAt(now)
    await tickAt(HALF_PAST_THREE)
    expect(made()).toHaveLength(isGood ? 1 : 0)
  })
})

test.each(['12340002', '', null, undefined])(
  'a snapshot of another storage (%j) is not used, even if the gateway lists it',
  async (other) => {
    await open([nightly])
    await tickAt(now)
    const row = (no: string, originalBlockStorageInstanceNo: unknown, minutes: number) => ({
      blockStorageSnapshotInstanceNo: no,
      originalBlockStorageInstanceNo,
      blockStorageSnapshotInstanceStatus: { code: 'CREAT' },
      blockStorageSnapshotInstanceOperation: { code: 'NULL' },
      createDate: koreanDate(HALF_PAST_THREE - minutes * MINUTE),
      isBootable: true,
      hypervisorType: { code: 'KVM' },
    })
    const blockStorageSnapshotInstanceList = [
      row('12344698', other, 1),
      row('12344697', storage, 2),
    ]
    const answer = { returnCode: '0', totalRows: 2, blockStorageSnapshotInstanceList }
    relay.gateway.inject({
      action: 'getBlockStorageSnapshotInstanceList',
      fault: {
        status: 200,
        body: JSON.stringify({ getBlockStorageSnapshotInstanceListResponse: answer }),
      },
    })
    await tickAt(HALF_PAST_THREE)
    expect(usedSnapshots()).toEqual(['12344697'])
  },
)

describe('an event that names a job', () => {
  test('runs the job like its schedule, once for each minute', async () => {
    await open([nightly])
    for (const second of ['00', '00', '27']) {
      await relay.run({ job: 'nightly-web', scheduledAt: `2026-11-22T03:30:${second}+09:00` })
    }
    await tickAt(HALF_PAST_THREE - MINUTE)
    await tickAt(HALF_PAST_THREE)
    expect(made().map(({ name }) => name)).toEqual(['web-20261122'])
    const [{ lastRuns }] = await jobs()
    expect(lastRuns).toMatchObject([
      { scheduledAt: '2026-11-22T03:30:00+09:00', operation: { caller: 'job:nightly-web' } },
    ])
  })

  test.each([
    ['job-not-found', { job: 'CANARY', scheduledAt: '2026-11-22T03:30:00Z' }],
    ['invalid-input', { job: 'nightly-web', scheduledAt: 'CANARY' }],
    ['invalid-input', { job: 'nightly-web' }],
  ])('fails with %s for %j', async (code, event) => {
    await open([nightly])
    await expect(relay.run(event)).rejects.toThrow(new RegExp(`^The run failed: ${code}$`))
    expect(JSON.stringify(relay.log)).not.toContain('CANARY')
  })

  test('fails without a store', async () => {
    await open([nightly], { store: false })
    const event = { job: 'nightly-web', scheduledAt: '2026-11-22T03:30:00Z' }
    await expect(relay.run(event)).rejects.toThrow('The run failed: not-configured')
  })
})

describe('a requested run', () => {
  test('is an operation of its caller', async () => {
    await open([byMinute])
    const { status, json, headers } = await run()
    expect([status, json.name, json.caller]).toEqual([201, 'web-261122-0320', 'key:ci'])
    expect(headers.get('location')).toBe(`/v1/operations/${json.operationId}`)
    expect((await jobs())[0].lastRuns).toEqual([])
  })

  test('is the same operation in the same minute, or with the same key at any time', async () => {
    await open([byMinute])
    const first = await run()
    now += 30_000
    const again = await run()
    expect([again.status, again.json.operationId]).toEqual([200, first.json.operationId])
    const headers = { 'idempotency-key': 'once' }
    now += MINUTE
    const keyed = await run('by-minute', { headers })
    now += MINUTE
    const repeated = await run('by-minute', { headers })
    expect([keyed.status, repeated.status]).toEqual([201, 200])
    expect(repeated.json.operationId).toBe(keyed.json.operationId)
    expect(repeated.headers.get('idempotent-replayed')).toBe('true')
    expect(made()).toHaveLength(2)
  })

  test('with a key that was used for another job is refused', async () => {
    await open([byMinute, { ...byMinute, name: 'second', cron: '0 4 * * *' }])
    const headers = { 'idempotency-key': 'once' }
    expect((await run('by-minute', { headers })).status).toBe(201)
    const { status, json } = await run('second', { headers })
    expect([status, json.code]).toEqual([422, 'idempotency-key-reused'])
  })

  test('with a key that was used before the job changed is refused', async () => {
    const latest = (no: string) => ({
      ...byMinute,
      image: { ...byMinute.image, storages: [{ latestSnapshotOf: no }] },
    })
    await open([latest(storage)])
    const headers = { 'idempotency-key': 'once' }
    expect((await run('by-minute', { headers })).status).toBe(201)
    const asked = initOf({ method: 'POST', headers })
    const request = new Request('http://relay.test/v1/jobs/by-minute/runs', asked)
    const other = await relayBeside([latest('12340002')])
    expect((await other.fetch(request)).status).toBe(422)
  })

  test('must match the name prefix of the API key, and counts toward its quota', async () => {
    const other = { ...byMinute, image: { ...byMinute.image, name: 'db-{yyMMdd}-{HHmm}' } }
    await open([byMinute, { ...other, name: 'other' }])
    const codes = []
    codes.push((await run('by-minute', { as: 'prefixed' })).status)
    const { status, json } = await run('other', { as: 'prefixed' })
    codes.push(status, json.code)
    for (let minute = 0; minute < 4; minute++) {
      now += MINUTE
      codes.push((await run('other', { as: 'limited' })).status)
    }
    expect(codes).toEqual([201, 403, 'forbidden', 201, 201, 201, 429])
  })

  test('needs an existing job whose image names contain the minute', async () => {
    await open([nightly, byMinute])
    const missing = await run('CANARY')
    expect([missing.status, missing.json.code]).toEqual([404, 'job-not-found'])
    const { status, json } = await run('nightly-web')
    expect([status, json.code, json.errors[0].path]).toEqual([422, 'invalid-input', 'image.name'])
    expect(creates()).toEqual([])
  })

  test.each([
    ['nothing', undefined, {}, 201],
    [
      'nothing, with the type of a form',
      '',
      { 'content-type': 'application/x-www-form-urlencoded' },
      201,
    ],
    ['an empty object', {}, {}, 201],
    ['fields', { name: 'CANARY' }, {}, 422],
    ['an empty object without a type', '{}', { 'content-type': '' }, 201],
    ['text', 'CANARY', { 'content-type': 'text/plain' }, 400],
    ['half a body', '{', {}, 400],
    ['too much', ' '.repeat(70_000), {}, 413],
  ])('checks a body of %s', async (_, body, headers, expected) => {
    await open([byMinute])
    const { status } = await run('by-minute', { body, headers: headers as Record<string, string> })
    expect(status).toBe(expected)
    expect(made()).toHaveLength(expected === 201 ? 1 : 0)
  })

  test('uses the latest snapshot too', async () => {
    const image = { ...byMinute.image, storages: nightly.image.storages }
    await open([{ ...byMinute, image }])
    expect((await run()).status).toBe(201)
    expect(usedSnapshots()).toEqual(['40000001'])
  })

  test('is refused when there is no usable snapshot', async () => {
    const image = { ...byMinute.image, storages: [{ latestSnapshotOf: '12340009' }] }
    await open([{ ...byMinute, image }])
    const { status, json } = await run()
    expect([status, json.code, json.outcome]).toEqual([422, 'invalid-input', 'not-applied'])
    expect(json.errors).toMatchObject([{ path: 'storages.0.latestSnapshotOf' }])
    expect(json.operationId).toMatch(/^op_/)
  })
})

test('pages of operations mix own ones with those of jobs, newest first, and miss none', async () => {
  const everyMinute = { ...byMinute, cron: '* * * * *' }
  const other = { ...everyMinute, name: 'other', image: { ...byMinute.image, name: 'b-{HHmm}' } }
  await open([everyMinute, other])
  await tickAt(now)
  const snapshotNo = '12344697'
  for (let minute = 0; minute < 3; minute++) {
    await tickAt(HALF_PAST_THREE + minute * MINUTE)
    now += MINUTE / 2
    await relay.create({ name: `own-${minute}`, storages: [{ snapshotNo }] })
  }
  const page = async (query: string) => (await relay.request(`/v1/operations?${query}`)).json
  const whole = (await page('limit=100')).items
  const seen: { operationId: string }[] = []
  for (let cursor = ''; ; ) {
    const { items, next } = await page(`limit=2${cursor}`)
    seen.push(...items)
    if (!next) break
    cursor = `&cursor=${next}`
  }
  expect(seen).toEqual(whole)
  const times = whole.map(({ createdAt }: { createdAt: string }) => createdAt)
  expect(times).toEqual([...times].sort().reverse())
  const owners = new Set(whole.map(({ caller }: { caller: string }) => caller))
  expect([...owners].sort()).toEqual(['job:by-minute', 'job:other', 'key:ci'])
  expect(relay.gateway.images.all().filter(({ no }) => no.startsWith('300'))).toHaveLength(
    whole.length,
  )
})

describe('GET /v1/jobs', () => {
  test('shows the next run and the last runs of each job', async () => {
    await open([
      { ...nightly, notify: ['ops'], expectEveryHours: 26 },
      { ...byMinute, cron: '0 4 * * MON', timeZone: 'UTC' },
    ])
    await tickAt(now)
    await tickAt(HALF_PAST_THREE)
    const { items } = (await relay.request('/v1/jobs')).json
    const [first, second] = await jobs()
    const { lastRuns, ...summary } = first
    expect(items[0]).toEqual(summary)
    expect([items[0].overdue, items[0].mayRunNow, items[1].mayRunNow]).toEqual([false, false, true])
    expect(items[0].lastRun).toEqual({
      scheduledAt: '2026-11-22T03:30:00+09:00',
      operationId: lastRuns[0].operation.operationId,
      status: 'ready',
      imageNo: '30000001',
    })
    expect(items[1].lastRun).toBeNull()
    expect(first).toMatchObject({
      name: 'nightly-web',
      cron: '30 3 * * *',
      timeZone: 'Asia/Seoul',
      notify: ['ops'],
      expectEveryHours: 26,
      nextRun: { scheduledAt: '2026-11-23T03:30:00+09:00' },
      lastRuns: [
        {
          scheduledAt: '2026-11-22T03:30:00+09:00',
          operation: { status: 'ready', name: 'web-20261122', image: { phase: 'ready' } },
        },
      ],
    })
    expect(second).toMatchObject({
      expectEveryHours: null,
      notify: [],
      nextRun: { scheduledAt: '2026-11-23T04:00:00+00:00' },
      lastRuns: [],
    })
  })

  test('shows the last five runs', async () => {
    await open([{ ...byMinute, cron: '* * * * *' }])
    for (let minute = 0; minute <= 7; minute++) await tickAt(HALF_PAST_THREE + minute * MINUTE)
    const [{ lastRuns }] = await jobs()
    expect(lastRuns.map((one: { scheduledAt: string }) => one.scheduledAt.slice(11, 16))).toEqual([
      '03:37',
      '03:36',
      '03:35',
      '03:34',
      '03:33',
    ])
  })

  test('has an aligned line for each job in plain text', async () => {
    await open([nightly, { ...byMinute, name: 'b', timeZone: 'UTC' }])
    await tickAt(now)
    await tickAt(HALF_PAST_THREE)
    const { text } = await relay.request('/v1/jobs', { headers: { accept: 'text/plain' } })
    expect(text.split('\n')).toEqual([
      'nightly-web  2026-11-23T03:30:00+09:00  2026-11-22T03:30:00+09:00  ready  30000001',
      'b            2026-11-22T03:30:00+00:00  -                          -      -',
      '',
    ])
  })

  test('is empty without jobs', async () => {
    await open([])
    expect(await jobs()).toEqual([])
  })
})

describe('the notify field of a create', () => {
  const body = { name: 'web-golden', storages: [{ snapshotNo: '12344697' }] }

  test('must name targets of the relay', async () => {
    await open([])
    const { status, json } = await relay.create({ ...body, notify: ['ops', 'CANARY'] })
    expect([status, json.errors]).toEqual([
      422,
      [{ path: 'notify.1', message: 'must be the name of a target of the relay' }],
    ])
    expect((await relay.create({ ...body, notify: ['ops'] })).status).toBe(201)
  })

  test('must have at most 20 names', async () => {
    await open([])
    const notify = Array.from({ length: 21 }, () => 'ops')
    const { status, json } = await relay.create({ ...body, notify })
    expect([status, json.errors]).toEqual([
      422,
      [{ path: 'notify', message: 'must have at most 20 names' }],
    ])
  })

  test('is accepted when the relay has no targets, and nothing is queued', async () => {
    await open([], { environment: { RELAY_NOTIFY: '' } })
    expect((await relay.create({ ...body, notify: ['anybody'] })).status).toBe(201)
    expect(
      await relay.store.due('notice', {
        target: 'anybody',
        now: Number.MAX_SAFE_INTEGER,
        limit: 9,
      }),
    ).toEqual([])
  })
})

describe(`${PENDING_IMAGES} pending images`, () => {
  /** The number of ticks until each image has been read, and in a campaign two more. */
  const TICKS = isCampaign ? 12 : 3

  test('take 100 reads in each tick', async () => {
    await open([], { gateway: { now: () => now, readyAfterMs: 48 * HOUR } })
    for (let count = 0; count < PENDING_IMAGES; count++) {
      await relay.create({ name: `web-${count}`, storages: [{ snapshotNo: '12344697' }] })
    }
    const reads = []
    for (let tick = 1; tick <= TICKS; tick++) {
      relay.gateway.received.length = 0
      await tickAt(HALF_PAST_THREE + tick * MINUTE)
      reads.push(relay.gateway.received.length)
    }
    expect(reads).toEqual(Array(TICKS).fill(100))
  })
})

import { Temporal } from 'temporal-polyfill'
import { expect, test } from 'vitest'
import { systemClock } from '../../shared/web/clock.ts'
import { type Random, randomOf } from '../simulation/random.ts'
import { isCampaign } from '../support/counts.ts'
import { openRelay, type Relay } from '../support/relay.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** One year in a campaign; otherwise the five weeks around Berlin's change to summer time. */
const START = isCampaign ? Date.UTC(2026, 0, 1, 12) : Date.UTC(2026, 2, 12, 12)
const END = isCampaign ? Date.UTC(2027, 0, 1, 12) : Date.UTC(2026, 3, 16, 12)
const DAYS = (END - START) / (24 * HOUR)
const ZONES = ['Asia/Seoul', 'Europe/Berlin', 'UTC']

function job(timeZone: string, cron: string, name: string) {
  const storages = [{ snapshotNo: '12344697' }]
  return { name: timeZone.replace('/', '_'), cron, timeZone, image: { name, storages } }
}

/** Returns 02:30 of each day, by Temporal. Berlin has one day without 02:30 and one day with two. */
function halfPastTwo(timeZone: string): number[] {
  const first = Temporal.PlainDateTime.from('2025-12-31T02:30')
  return Array.from({ length: 370 }, (_, days) =>
    Number(first.add({ days }).toZonedDateTime(timeZone).epochMilliseconds),
  )
}

/** Returns tick times 1 to 30 minutes apart and up to 55 seconds late, with some gaps of up to six hours. */
function ticksOf(random: Random): number[] {
  const ticks = [START]
  for (let time = START; time < END; ) {
    const gap = random.chance(0.03)
      ? random.between(HOUR, 6 * HOUR - MINUTE)
      : random.between(MINUTE, 30 * MINUTE)
    time += gap - (gap % MINUTE)
    ticks.push(time + random.between(0, 55 * SECOND))
  }
  return ticks
}

/** Returns the scheduled minutes of the runs that are stored, oldest first. */
async function recordsOf(relay: Relay, name: string): Promise<number[]> {
  const all = await relay.store.list({ of: { caller: `job:${name}` }, limit: 20_000 })
  return all.map(({ run }) => run?.minute ?? 0).reverse()
}

test(`stores one record of each occurrence in ${DAYS} days of doubled, late and missing ticks`, async () => {
  const random = randomOf(20261122)
  let now = START
  const nightly = ZONES.map((zone) => job(zone, '30 2 * * *', 'web-{yyMMdd}'))
  const regions = ['KR', 'JPN', 'SGN']
  const often = { ...job('UTC', '5 */3 * * *', 'often-{yyMMdd}-{HHmm}'), name: 'often' }
  const relay = await openRelay({
    clock: { ...systemClock, now: () => now },
    gateway: { now: () => now, readyAfterMs: 0, duplicateNames: 'allowed' },
    environment: {
      RELAY_JOBS: [
        // Each job has its own region, so that their image names do not collide.
        ...nightly.map((one, index) => ({
          ...one,
          image: { ...one.image, regionCode: regions[index] },
        })),
        often,
      ],
    },
  })
  const ticks = ticksOf(random)
  for (const time of ticks) {
    now = time
    if (random.chance(0.2)) await Promise.all([relay.tick(), relay.tick()])
    else await relay.tick()
    if (random.chance(0.2)) await relay.tick()
    relay.gateway.received.length = 0
    relay.log.length = 0
  }

  const last = ticks.at(-1) ?? START
  for (const zone of ZONES) {
    const expected = halfPastTwo(zone).filter((time) => time > START && time <= last)
    expect(expected.length).toBeGreaterThanOrEqual(DAYS)
    expect(await recordsOf(relay, zone.replace('/', '_'))).toEqual(expected)
  }
  // Of several missed occurrences only the last one before each tick runs.
  const fiveAfter = (time: number) => time - ((time - 5 * MINUTE) % (3 * HOUR))
  const expected = new Set(ticks.map(fiveAfter).filter((time) => time > START))
  expect(await recordsOf(relay, 'often')).toEqual([...expected])
  expect(expected.size).toBeLessThan(DAYS * 8)
  await relay.close()
})

test('does not run an occurrence that was missed for six hours', async () => {
  let now = START
  const relay = await openRelay({
    clock: { ...systemClock, now: () => now },
    environment: { RELAY_JOBS: [job('UTC', '30 12 * * *', 'web-{yyMMdd}')] },
  })
  await relay.tick()
  now = START + 30 * MINUTE + 6 * HOUR
  await relay.tick()
  now += 24 * HOUR - MINUTE
  await relay.tick()
  expect(await recordsOf(relay, 'UTC')).toEqual([START + (24 * 60 + 30) * MINUTE])
  await relay.close()
})

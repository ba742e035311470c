import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { describe, expect, test } from 'vitest'
import { imageNameAt, type Job, Jobs, namesEveryMinute } from '../../../shared/jobs/job.ts'
import { requestForRun } from '../../../shared/jobs/runs.ts'
import { parse } from '../../../shared/parse.ts'
import { scaled } from '../../support/counts.ts'

/** The contract's rule for a name, section 4. */
const NAME = /^[a-z][a-z0-9-]{1,28}[a-z0-9]$/
const LAST_DAY = Temporal.PlainDate.from('2100-12-31')

const nightly = {
  name: 'nightly-web',
  cron: '30 3 * * *',
  timeZone: 'Asia/Seoul',
  image: { name: 'web-{yyyyMMdd}', storages: [{ latestSnapshotOf: '12340001' }] },
}

function jobOf(more: Record<string, unknown> = {}): Job {
  const parsed = parse(Jobs, [{ ...nightly, ...more }])
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors))
  return parsed.value[0] as Job
}

function named(name: string, cron = nightly.cron, timeZone = nightly.timeZone) {
  return parse(Jobs, [{ ...nightly, cron, timeZone, image: { ...nightly.image, name } }])
}

/** Fills in a template from the fields of a Temporal time. */
function filledIn(template: string, { year, month, day, hour, minute }: Temporal.ZonedDateTime) {
  const two = (part: number) => String(part).padStart(2, '0')
  const [date, clock] = [`${two(month)}${two(day)}`, `${two(hour)}${two(minute)}`]
  return template
    .replaceAll('{yyyyMMdd}', `${year}${date}`)
    .replaceAll('{yyMMdd}', `${two(year % 100)}${date}`)
    .replaceAll('{HHmm}', clock)
}

function zoned(milliseconds: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(milliseconds).toZonedDateTimeISO(timeZone)
}

function faultsOf(job: unknown): string[] {
  const parsed = parse(Jobs, [job])
  return 'errors' in parsed ? parsed.errors.map(({ path }) => path) : []
}

describe('the name of an image', () => {
  const piece = fc.oneof(
    { arbitrary: fc.constantFrom('{yyyyMMdd}', '{yyMMdd}', '{HHmm}'), weight: 3 },
    fc.constantFrom('web', '-', 'a', '0', 'golden-', 'x'.repeat(12), 'W', '_', '{', '{yyyy}', '한'),
  )
  const template = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
  const zone = fc.constantFrom('Asia/Seoul', 'Europe/Berlin', 'America/St_Johns', 'UTC')
  const moment = fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2101, 0) - 1 })

  test('is valid at every time, or the template is refused', () => {
    const property = fc.property(template, zone, moment, (name, timeZone, at) => {
      const expected = filledIn(name, zoned(at, timeZone))
      const parsed = named(name, '0 * * * *', timeZone)
      expect('value' in parsed).toBe(NAME.test(expected))
      if (!('value' in parsed)) return
      expect(imageNameAt(parsed.value[0] as Job, at)).toBe(expected)
    })
    fc.assert(property, { numRuns: scaled(5_000) })
  })

  test('is correct on each day until the end of 2100', () => {
    const templates = ['web-{yyyyMMdd}', 'a{yyMMdd}', 'golden-{yyMMdd}-{HHmm}-{yyyyMMdd}-x']
    for (const name of templates) {
      const parsed = named(name, '30 3 * * *', 'Europe/Berlin')
      if (!('value' in parsed)) throw new Error(name)
      const [job] = parsed.value as [Job]
      let day = Temporal.PlainDate.from('2026-01-01')
      for (; Temporal.PlainDate.compare(day, LAST_DAY) <= 0; day = day.add({ days: 1 })) {
        const time = day.toZonedDateTime({ timeZone: 'Europe/Berlin', plainTime: '03:30' })
        const filled = imageNameAt(job, time.epochMilliseconds)
        if (filled !== filledIn(name, time) || !NAME.test(filled)) expect(filled).toBe(String(day))
      }
    }
  })

  test('changes every minute only if the template contains the time', () => {
    expect(namesEveryMinute(jobOf())).toBe(false)
    const image = { ...nightly.image, name: 'web-{yyMMdd}-{HHmm}' }
    expect(namesEveryMinute(jobOf({ image }))).toBe(true)
  })
})

describe('a job', () => {
  test('has defaults', () => {
    const job = jobOf()
    expect(job.notify).toEqual([])
    expect(requestForRun(job, Date.UTC(2026, 10, 21, 18, 30), 'KR').input).toEqual({
      name: 'web-20261122',
      storages: [{ latestSnapshotOf: '12340001', maxAgeHours: 26 }],
    })
  })

  test('may have every field', () => {
    const storages = [
      { latestSnapshotOf: '1', maxAgeHours: 48, sizeGb: 100 },
      { latestSnapshotOf: '2', volumeType: 'CB2' },
      { snapshotNo: '3', sizeGb: 20 },
      { sizeGb: 50, volumeType: 'FB1' },
    ]
    const image = { name: 'web-{yyMMdd}', description: 'nightly', regionCode: 'JPN', storages }
    const job = jobOf({ image, notify: ['ops'], expectEveryHours: 26 })
    const { input, regionCode } = requestForRun(job, 0, 'KR')
    expect(input).toMatchObject({ description: 'nightly', storages })
    expect(input).not.toHaveProperty('regionCode')
    expect(regionCode).toBe('JPN')
    expect(job).toMatchObject({ notify: ['ops'], expectEveryHours: 26 })
  })

  const { image } = nightly
  const withStorages = (...storages: unknown[]) => ({ image: { ...image, storages } })
  test.each<[Record<string, unknown>, string[]]>([
    [{ name: 'two words' }, ['0.name']],
    [{ name: 'a.b' }, ['0.name']],
    [{ cron: '0 3 * *' }, ['0.cron']],
    [{ timeZone: 'Asia/Nowhere' }, ['0.timeZone']],
    [{ image: undefined }, ['0.image']],
    [{ image: { ...image, name: 'W{yyMMdd}' } }, ['0.image.name']],
    [{ image: { ...image, regionCode: 'kr' } }, ['0.image.regionCode']],
    [withStorages(), ['0.image.storages', '0.image.storages.0']],
    [
      withStorages({ sizeGb: 10, volumeType: 'CB1' }),
      ['0.image.storages.0.snapshotNo', '0.image.storages.0.volumeType'],
    ],
    [withStorages({ latestSnapshotOf: 'x' }), ['0.image.storages.0.latestSnapshotOf']],
    [withStorages({ latestSnapshotOf: '1', snapshotNo: '1' }), ['0.image.storages.0.snapshotNo']],
    [withStorages({ latestSnapshotOf: '1', volumeType: 'CB1' }), ['0.image.storages.0.volumeType']],
    [withStorages({ snapshotNo: '1', maxAgeHours: 1 }), ['0.image.storages.0']],
    [withStorages({ latestSnapshotOf: '1', maxAgeHours: 0 }), ['0.image.storages.0.maxAgeHours']],
    [withStorages({ latestSnapshotOf: '1', maxAgeHours: 1.5 }), ['0.image.storages.0.maxAgeHours']],
    [{ notify: ['two words'] }, ['0.notify.0']],
    [{ notify: ['ops'], expectEveryHours: 0 }, ['0.expectEveryHours']],
    [{ expectEveryHours: 26 }, ['0.expectEveryHours']],
    [{ more: 1 }, ['0']],
  ])('is refused with %j', (more, paths) => {
    expect(faultsOf({ ...nightly, ...more })).toEqual(paths)
  })

  test('is refused with all its faults at once', () => {
    const bad = {
      name: '',
      cron: 'x',
      timeZone: 'x',
      image: { name: 'X', storages: [] },
      notify: 1,
    }
    expect(faultsOf(bad)).toEqual([
      '0.name',
      '0.cron',
      '0.timeZone',
      '0.image.name',
      '0.image.storages',
      '0.image.storages.0',
      '0.notify',
    ])
  })

  test('must have a unique name', () => {
    expect(parse(Jobs, [nightly, nightly])).toEqual({
      errors: [{ path: '', message: 'must not have two jobs with the same name' }],
    })
  })
})

import { Cron } from 'croner'
import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { describe, expect, test } from 'vitest'
import { isCron, isTimeZone, openSchedule } from '../../../shared/jobs/cron.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Zones whose clocks change at two, at midnight, to the day before, by half an hour, or never. */
const ZONES = [
  'Europe/Berlin',
  'America/Havana',
  'America/Santiago',
  'America/Nuuk',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Africa/Casablanca',
  'Asia/Seoul',
  'UTC',
]
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
const MONTHS = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ')

/** Generates a field in the forms that people write. */
function field(min: number, max: number, names: string[] = []) {
  const value = fc.integer({ min, max })
  const word = (no: number) => (no % 2 ? names[no - min] : undefined) ?? String(no)
  const range = fc.tuple(value, value).map(([one, other]) => [one, other].sort((a, b) => a - b))
  return fc.oneof(
    fc.constant('*'),
    value.map(word),
    fc.integer({ min: 1, max: 9 }).map((step) => `*/${step}`),
    range.map(([from = 0, to = 0]) => `${word(from)}-${word(to)}`),
    fc.array(value.map(word), { minLength: 1, maxLength: 3 }).map((all) => all.join(',')),
  )
}
const weekday = fc.oneof(
  fc.constant('*'),
  fc.constantFrom(...WEEKDAYS),
  fc.constantFrom('MON-FRI', 'SUN-WED', 'FRI-SUN', 'sat,sun'),
)
/** Generates either a day of the month or a weekday. */
const days = fc.oneof(
  field(1, 31).map((day) => [day, '*']),
  weekday.map((name) => ['*', name]),
)
const expression = fc
  .tuple(field(0, 59), field(0, 23), days, field(1, 12, MONTHS))
  .map(([minute, hour, [day, name], month]) => `${minute} ${hour} ${day} ${month} ${name}`)

describe('a schedule', () => {
  test('has the same times as croner', () => {
    const start = fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2030, 0) })
    const property = fc.property(expression, start, (cron, from) => {
      fc.pre(isCron(cron))
      const other = new Cron(cron, { timezone: 'UTC', mode: '5-part' })
      const expected = other.nextRuns(40, new Date(from)).map(Number)
      const last = expected.at(-1) ?? from
      expect(openSchedule(cron, 'UTC').between(from, last)).toEqual(expected)
      expect(openSchedule(cron, 'UTC').next(from)).toBe(expected[0])
    })
    fc.assert(property, { numRuns: 300 })
  })

  test.each(ZONES)('follows the wall clock of %s for a year like Temporal', (timeZone) => {
    const year = Temporal.PlainDate.from('2026-01-01')
    // No change of the clock around the first or the last of these days affects the result.
    const all = Array.from({ length: 365 }, (_, day) => year.add({ days: day })).flatMap((date) =>
      Array.from({ length: 48 }, (_, half) =>
        date
          .toPlainDateTime({ hour: half >> 1, minute: (half % 2) * 30 })
          .toZonedDateTime(timeZone, { disambiguation: 'compatible' }),
      ),
    )
    const expected = [...new Set(all.map(({ epochMilliseconds }) => epochMilliseconds))].sort()
    const [first = 0] = expected
    const schedule = openSchedule('*/30 * * * *', timeZone)
    expect(schedule.between(first - 1, expected.at(-1) ?? 0)).toEqual(expected)
    // Small ranges give the same times.
    for (const time of expected.filter((_, index) => index % 97 === 0)) {
      expect(schedule.between(time - 1, time)).toEqual([time])
      expect(schedule.between(time, time)).toEqual([])
      expect(schedule.next(time - 1)).toBe(time)
    }
    for (const { epochMilliseconds: at } of all.filter((_, index) => index % 31 === 0)) {
      const clock = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone)
      expect(schedule.local(at)).toBe(clock.toString({ timeZoneName: 'never' }))
    }
  })

  test('runs once on the day when clocks go forward, and once on the day when they go back', () => {
    const daily = openSchedule('30 2 * * *', 'Europe/Berlin')
    const iso = (times: number[]) => times.map((time) => new Date(time).toISOString())
    const around = (day: string) =>
      iso(daily.between(Date.parse(day) - DAY, Date.parse(day) + 2 * DAY))
    // By RFC 5545: with the offset before a gap, and at the first of two equal local times.
    expect(around('2026-03-29')).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:30:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
    expect(around('2026-10-25')).toEqual([
      '2026-10-24T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
  })

  test('finds a time that moves to the next day because clocks skip the end of its day', () => {
    // Greenland puts its clocks from 23:00 to midnight.
    const nightly = openSchedule('30 23 * * *', 'America/Nuuk')
    const time = Date.parse('2026-03-29T01:30:00Z')
    expect(nightly.between(time - 60_000, time)).toEqual([time])
  })

  test('finds the next time years ahead, or returns undefined', () => {
    const leap = openSchedule('0 0 29 FEB *', 'Asia/Seoul')
    expect(leap.next(Date.UTC(2096, 2, 1))).toBe(Date.UTC(2104, 1, 28, 15))
    expect(openSchedule('0 0 31 FEB *', 'UTC').next(0)).toBeUndefined()
  })
})

describe('a cron expression', () => {
  test.each([
    '30 3 * * *',
    '*/15 0-6 * * MON-FRI',
    '0 0 1,15 * *',
    '0 0 1 jan *',
    '5 4 * * sun',
    '0  0 * * *',
    '0 0-20/5 * 1-3 *',
    '0 0 29 2 *',
  ])('may be %s', (text) => expect(isCron(text)).toBe(true))

  test.each([
    '',
    '* * * *',
    '* * * * * *',
    '@daily',
    '60 0 * * *',
    '0 24 * * *',
    '0 0 0 * *',
    '0 0 32 * *',
    '0 0 * 13 *',
    '0 0 31 2 *',
    '0 0 * * 1',
    '0 0 * * 1-5',
    '0 0 * * MONDAY',
    '0 0 1 * MON',
    '0 0 L * *',
    '0 0 ? * *',
    '0 0 * * 5#2',
    '5/10 * * * *',
    '*/0 * * * *',
    '*/61 * * * *',
    '*/90 * * * *',
    '* */25 * * *',
    '* * */32 * *',
    '* * * */13 *',
    '0-10/61 * * * *',
    '5-1 * * * *',
    '0 0 * * FRI-MON',
    '1x * * * *',
    '-1 * * * *',
    '0\n0 * * *',
    ' 0 0 * * *',
    '1,,2 * * * *',
  ])('may not be %j', (text) => expect(isCron(text)).toBe(false))
})

test.each([
  ['Asia/Seoul', true],
  ['UTC', true],
  ['Etc/GMT+9', true],
  ['Asia/Nowhere', false],
  ['+09:00', false],
  ['', false],
])('the time zone %j is known: %j', (zone, known) => expect(isTimeZone(zone)).toBe(known))

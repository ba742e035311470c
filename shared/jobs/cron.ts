import { DAY_MS, HOUR_MS, MINUTE_MS } from '../web/durations.ts'

/** The maximum number of days to search. Two 29ths of February can be eight years apart. */
const MAX_GAP_DAYS = 4_096

/** The allowed values of a field: numbers from `min` to `max`, or names that count from `min`. */
interface Field {
  min: number
  max: number
  names?: string[]
  /** True if numbers are not allowed. */
  namesOnly?: boolean
}

const FIELDS: Record<'minute' | 'hour' | 'day' | 'month' | 'weekday', Field> = {
  minute: { min: 0, max: 59 },
  hour: { min: 0, max: 23 },
  day: { min: 1, max: 31 },
  month: {
    min: 1,
    max: 12,
    names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  },
  weekday: {
    min: 0,
    max: 7,
    // Sunday is first and last, so that it can begin or end a range.
    names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'],
    namesOnly: true,
  },
}

/** Part of a field: `*` or a range, with or without a step, or one value. */
const PART = /^(?:(?:\*|(\w+)-(\w+))(?:\/(\d+))?|(\w+))$/

/** The times of a cron expression in a time zone, in milliseconds since the epoch. */
export interface Schedule {
  /** Returns the times after `from`, up to and including `to`, in order. */
  between(from: number, to: number): number[]
  /** Returns the first time after `after`; `undefined` if there is none within eleven years. */
  next(after: number): number | undefined
  /** Writes a time as local time of the zone: `2026-11-22T03:30:00+09:00` (RFC 3339). */
  local(at: number): string
}

/**
 * True for a cron expression of five fields. Weekdays must be names, because systems disagree whether 1 is Sunday or
 * Monday. A day of the month and a weekday cannot both be given, because systems disagree whether one of them is enough.
 */
export function isCron(text: string): boolean {
  const [, , day, , weekday] = text.split(/ +/)
  if (day !== '*' && weekday !== '*') return false
  try {
    return openSchedule(text, 'UTC').next(0) !== undefined
  } catch {
    return false
  }
}

/** True for the name of a time zone in the platform's IANA database. */
export function isTimeZone(text: string): boolean {
  // `Intl` also accepts offsets, which are not zones.
  if (!/^[A-Z]/i.test(text)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false
  }
}

/**
 * Creates the schedule of a cron expression. A local time that clocks skip is read with the offset before the change. A
 * local time that occurs twice means its first occurrence (RFC 5545, 3.3.5).
 * @throws RangeError if the cron expression or the time zone is invalid
 */
export function openSchedule(cron: string, timeZone: string): Schedule {
  const { minutes, hours, days, months, weekdays } = parseCron(cron)
  const offsetAt = offsetsOf(timeZone)
  const dayOf = (at: number) => Math.floor((at + offsetAt(at)) / DAY_MS) * DAY_MS

  /** Returns the times on one day of the wall clock. */
  function timesOn(day: number): number[] {
    const date = new Date(day)
    const isOn =
      months.includes(date.getUTCMonth() + 1) &&
      days.includes(date.getUTCDate()) &&
      weekdays.some((weekday) => weekday % 7 === date.getUTCDay())
    if (!isOn) return []
    // No zone is more than a day from UTC.
    const before = offsetAt(day - DAY_MS)
    const after = offsetAt(day + 2 * DAY_MS)
    const timeOf = (wallClock: number) => {
      const early = wallClock - before
      const late = wallClock - after
      const isEarly = before === after || offsetAt(early) === before || offsetAt(late) !== after
      return isEarly ? early : late
    }
    return hours.flatMap((hour) =>
      minutes.map((minute) => timeOf(day + hour * HOUR_MS + minute * MINUTE_MS)),
    )
  }

  function between(from: number, to: number): number[] {
    const times = new Set<number>()
    // If clocks skip midnight, times of one day can fall on the next day.
    for (let day = dayOf(from) - DAY_MS; day <= dayOf(to); day += DAY_MS) {
      for (const time of timesOn(day)) if (time > from && time <= to) times.add(time)
    }
    return [...times].sort((one, other) => one - other)
  }

  return {
    between,
    next(after) {
      for (let days = 1; days <= MAX_GAP_DAYS; days *= 2) {
        const [first] = between(after, after + days * DAY_MS)
        if (first !== undefined) return first
      }
      return undefined
    },
    local(at) {
      const ahead = offsetAt(at)
      // The size of the offset, read as a time of day: 09:00.
      const offset = new Date(Math.abs(ahead)).toISOString().slice(11, 16)
      return new Date(at + ahead).toISOString().replace(/\.\d+Z$/, (ahead < 0 ? '-' : '+') + offset)
    },
  }
}

/** Returns a function that gives the offset of a zone from UTC at a time, in milliseconds. */
function offsetsOf(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  return (at) => {
    const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(format.format(at)) ?? []
    const offset = Number(hours ?? 0) * HOUR_MS + Number(minutes ?? 0) * MINUTE_MS
    return sign === '-' ? -offset : offset
  }
}

/** Returns the values of each field. @throws RangeError if the text is not a cron expression */
function parseCron(cron: string) {
  const [minute, hour, day, month, weekday, ...more] = cron.toUpperCase().split(/ +/)
  if (more.length > 0) throw new RangeError('A cron expression has five fields')
  return {
    minutes: valuesOf(minute, FIELDS.minute),
    hours: valuesOf(hour, FIELDS.hour),
    days: valuesOf(day, FIELDS.day),
    months: valuesOf(month, FIELDS.month),
    weekdays: valuesOf(weekday, FIELDS.weekday),
  }
}

function valuesOf(text = '', { min, max, names = [], namesOnly = false }: Field): number[] {
  const numberOf = (word: string, index: number) => {
    const value = !namesOnly && /^\d\d?$/.test(word) ? Number(word) : min + index
    if (value < min || value > max) throw new RangeError('The value is out of range')
    return value
  }
  return text.split(',').flatMap((part) => {
    const [all, from = '', to = '', by = '1', only] = PART.exec(part) ?? []
    if (all === undefined) throw new RangeError('The field cannot be read')
    if (only !== undefined) return numberOf(only, names.indexOf(only))
    const first = from ? numberOf(from, names.indexOf(from)) : min
    const last = to && to !== from ? numberOf(to, names.lastIndexOf(to)) : from ? first : max
    const step = Number(by)
    if (first > last || step < 1) throw new RangeError('The range is empty')
    // `*/90` in minutes would run hourly, which nobody means.
    if (step > max - min + 1) throw new RangeError('The step is longer than the field')
    const length = Math.floor((last - first) / step) + 1
    return Array.from({ length }, (_, count) => first + count * step)
  })
}

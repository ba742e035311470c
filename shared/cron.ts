const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** Longer than the eight years that may lie between two 29ths of February. */
const LONGEST_GAP_DAYS = 4_096

/** What may stand in a field: numbers from `least` to `most`, or names that count from `least`. */
interface Field {
  least: number
  most: number
  names?: string[]
  /** Whether names alone may stand there. */
  isNamed?: boolean
}

const MINUTE: Field = { least: 0, most: 59 }
const HOUR: Field = { least: 0, most: 23 }
const DAY: Field = { least: 1, most: 31 }
const MONTH: Field = {
  least: 1,
  most: 12,
  names: 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' '),
}
/** Sunday begins a range, or ends it. */
const WEEKDAY: Field = {
  least: 0,
  most: 7,
  names: 'SUN MON TUE WED THU FRI SAT SUN'.split(' '),
  isNamed: true,
}
/** Part of a field: all or a range of it, by steps or not, or one value. */
const PART = /^(?:(?:\*|(\w+)-(\w+))(?:\/(\d+))?|(\w+))$/

/** When something is to happen: times of the wall clock in a time zone. Milliseconds since the epoch. */
export interface Schedule {
  /** Its times after `from`, up to `to`, in order. */
  between(from: number, to: number): number[]
  /** The first one after a time; `undefined` where none comes within eleven years. */
  next(after: number): number | undefined
  /** A time by its clocks: `2026-11-22T03:30:00+09:00` (RFC 3339). */
  local(at: number): string
}

/**
 * Whether a text is a cron expression of five fields. Weekdays are names, because whether 1 is Sunday or Monday differs
 * from system to system, and stand beside no day of the month, because whether one of the two is enough differs too.
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

/** Whether a text names a time zone of the IANA database, as far as the platform knows it. */
export function isTimeZone(text: string): boolean {
  // `Intl` takes offsets, too.
  if (!/^[A-Z]/i.test(text)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false
  }
}

/**
 * Opens the schedule of a cron expression. Where clocks are put forward, a time that they pass over is taken by the
 * offset before; where they are put back, one that comes twice is taken the first time (RFC 5545, 3.3.5).
 */
export function openSchedule(cron: string, timeZone: string): Schedule {
  const [minutes, hours, days, months, weekdays] = parsed(cron)
  const offsetAt = offsetsOf(timeZone)
  const dayOf = (at: number) => Math.floor((at + offsetAt(at)) / DAY_MS) * DAY_MS

  /** Its times on a day of the wall clock. */
  function timesOn(day: number): number[] {
    const date = new Date(day)
    const isOn =
      months.includes(date.getUTCMonth() + 1) &&
      days.includes(date.getUTCDate()) &&
      weekdays.some((weekday) => weekday % 7 === date.getUTCDay())
    if (!isOn) return []
    // No zone is further from UTC than a day.
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
    // Where clocks are put forward at midnight, times of one day lie in the next.
    for (let day = dayOf(from) - DAY_MS; day <= dayOf(to); day += DAY_MS) {
      for (const time of timesOn(day)) if (time > from && time <= to) times.add(time)
    }
    return [...times].sort((one, other) => one - other)
  }

  return {
    between,
    next(after) {
      for (let days = 1; days <= LONGEST_GAP_DAYS; days *= 2) {
        const [first] = between(after, after + days * DAY_MS)
        if (first !== undefined) return first
      }
      return undefined
    },
    local(at) {
      const ahead = offsetAt(at)
      // The time that is so far from midnight has the digits of the offset.
      const offset = new Date(Math.abs(ahead)).toISOString().slice(11, 16)
      return new Date(at + ahead).toISOString().replace(/\.\d+Z$/, (ahead < 0 ? '-' : '+') + offset)
    },
  }
}

/** How far a zone's clocks are ahead of UTC at a time, in milliseconds. */
function offsetsOf(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  return (at) => {
    const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(format.format(at)) ?? []
    const offset = Number(hours ?? 0) * HOUR_MS + Number(minutes ?? 0) * MINUTE_MS
    return sign === '-' ? -offset : offset
  }
}

/** The values of each field. @throws RangeError where it is no cron expression */
function parsed(cron: string) {
  const [minute, hour, day, month, weekday, more] = cron.toUpperCase().split(/ +/)
  if (more !== undefined) throw new RangeError('Five fields')
  return [
    valuesOf(minute, MINUTE),
    valuesOf(hour, HOUR),
    valuesOf(day, DAY),
    valuesOf(month, MONTH),
    valuesOf(weekday, WEEKDAY),
  ] as const
}

function valuesOf(text = '', { least, most, names = [], isNamed = false }: Field): number[] {
  const numberOf = (word: string, index: number) => {
    const no = !isNamed && /^\d\d?$/.test(word) ? Number(word) : least + index
    if (no < least || no > most) throw new RangeError('Out of range')
    return no
  }
  return text.split(',').flatMap((part) => {
    const [all, from = '', to = '', by = '1', only] = PART.exec(part) ?? []
    if (all === undefined) throw new RangeError('No field')
    if (only !== undefined) return numberOf(only, names.indexOf(only))
    const first = from ? numberOf(from, names.indexOf(from)) : least
    const last = to && to !== from ? numberOf(to, names.lastIndexOf(to)) : from ? first : most
    const step = Number(by)
    if (first > last || step < 1) throw new RangeError('No range')
    const length = Math.floor((last - first) / step) + 1
    return Array.from({ length }, (_, count) => first + count * step)
  })
}

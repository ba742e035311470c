import * as v from 'valibot'

const TIME = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/
const RULE = 'must be a time with an offset (RFC 3339), like 2027-01-01T00:00:00+09:00'

/** A time with an offset (RFC 3339), parsed into milliseconds since the epoch. */
export const Rfc3339 = v.pipe(
  v.string(),
  v.regex(TIME, RULE),
  v.check((text) => isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text)), RULE),
  v.transform((text) => Date.parse(text)),
)

/** Writes milliseconds since the epoch as RFC 3339, in UTC. */
export function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** True if the calendar has this day. Some runtimes read February 30 as March 2. */
function isDay(date: string): boolean {
  const midnight = Date.parse(date)
  return !Number.isNaN(midnight) && rfc3339(midnight).startsWith(date)
}

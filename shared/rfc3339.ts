import * as v from 'valibot'

const TIME = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/
const RULE = 'must be a time with an offset (RFC 3339)'

/** A time as RFC 3339 writes it; gives milliseconds since the epoch. */
export const Rfc3339 = v.pipe(
  v.string(),
  v.regex(TIME, RULE),
  v.check((text) => isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text)), RULE),
  v.transform((text) => Date.parse(text)),
)

/** A time (milliseconds since the epoch) as RFC 3339 writes it, in UTC. */
export function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** Whether there is such a day: some runtimes make of the 30th of February the 2nd of March. */
function isDay(date: string): boolean {
  const midnight = Date.parse(date)
  return !Number.isNaN(midnight) && rfc3339(midnight).startsWith(date)
}

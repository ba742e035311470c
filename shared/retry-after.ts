const LONGEST_SECONDS = 3_600

/**
 * `Retry-After` in seconds (RFC 9110, 10.2.3), a date counted from the answer's own `Date`; at most an hour.
 * `undefined` where there is none, or it is neither.
 */
export function retryAfterSeconds(headers: Pick<Headers, 'get'>): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  const seconds = /^\d+$/.test(value)
    ? Number(value)
    : Math.ceil((httpDate(value) - httpDate(headers.get('date'))) / 1_000)
  return seconds >= 0 ? Math.min(seconds, LONGEST_SECONDS) : undefined
}

/** An HTTP date as milliseconds since the epoch; NaN where it is none. */
export function httpDate(value: string | null): number {
  return value && /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(value)
    ? Date.parse(value)
    : Number.NaN
}

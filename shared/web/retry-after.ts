const MAX_SECONDS = 3_600

/**
 * Reads `Retry-After` in seconds (RFC 9110, 10.2.3), limited to one hour. A date is compared with the answer's own `Date`.
 * Returns `undefined` if the header is missing or malformed.
 */
export function retryAfterSeconds(headers: Pick<Headers, 'get'>): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  const seconds = /^\d+$/.test(value)
    ? Number(value)
    : Math.ceil((httpDate(value) - httpDate(headers.get('date'))) / 1_000)
  return seconds >= 0 ? Math.min(seconds, MAX_SECONDS) : undefined
}

/** Parses an HTTP date into milliseconds since the epoch; NaN for any other text. */
export function httpDate(value: string | null): number {
  return value && /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(value)
    ? Date.parse(value)
    : Number.NaN
}

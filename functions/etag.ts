const utf8 = new TextEncoder()

/**
 * Returns the weak entity tag of a body, without the gateway's request ids, which differ every time. The hash is not
 * cryptographic, because Web Crypto would cost more than the rest of the answer.
 */
export function etagOf(text: string): string {
  return `W/"${fnv1a64(text.replace(/"requestId":"[^"]*"/g, ''))}"`
}

/** True if `If-None-Match` names the tag, by weak comparison (RFC 9110, 13.1.2). */
export function isNamed(etag: string, ifNoneMatch: string | undefined): boolean {
  if (!ifNoneMatch) return false
  const tags: string[] = ifNoneMatch.match(/"[^"]*"/g) ?? []
  return ifNoneMatch.trim() === '*' || tags.includes(etag.slice('W/'.length))
}

/** Returns FNV-1a with 64 bits over UTF-8, in hex (RFC 9923). JavaScript has no 64-bit integer, so two 32-bit halves. */
export function fnv1a64(text: string): string {
  let high = 0xcbf29ce4
  let low = 0x84222325
  for (const byte of utf8.encode(text)) {
    low = (low ^ byte) >>> 0
    // The prime is 2⁴⁰ + 435.
    const product = low * 435
    high = (high * 435 + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0
    low = product >>> 0
  }
  return [high, low].map((half) => half.toString(16).padStart(8, '0')).join('')
}

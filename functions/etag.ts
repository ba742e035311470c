const utf8 = new TextEncoder()

/**
 * The weak entity tag of a body: over all of it less the gateway's request ids, which differ every time. Not a
 * cryptographic hash, because Web Crypto's would cost a read more than the rest of its answer.
 */
export function etagOf(text: string): string {
  return `W/"${fnv1a64(text.replace(/"requestId":"[^"]*"/g, ''))}"`
}

/** Whether an `If-None-Match` names the tag, by weak comparison (RFC 9110, 13.1.2). */
export function isNamed(etag: string, ifNoneMatch: string | undefined): boolean {
  if (!ifNoneMatch) return false
  const tags: string[] = ifNoneMatch.match(/"[^"]*"/g) ?? []
  return ifNoneMatch.trim() === '*' || tags.includes(etag.slice('W/'.length))
}

/** FNV-1a of 64 bits over UTF-8, in hex (RFC 9923). Two halves, for want of a 64-bit number. */
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

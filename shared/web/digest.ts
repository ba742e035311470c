const utf8 = new TextEncoder()

/** Returns the SHA-256 of a text or of bytes, in lower-case hex. */
export async function sha256Hex(message: string | Uint8Array): Promise<string> {
  const bytes = typeof message === 'string' ? utf8.encode(message) : Uint8Array.from(message)
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}

/** Writes bytes in lower-case hex. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Compares two texts in constant time, unless their lengths differ. */
export function equalInConstantTime(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  let difference = 0
  for (let i = 0; i < one.length; i++) difference |= one.charCodeAt(i) ^ other.charCodeAt(i)
  return difference === 0
}

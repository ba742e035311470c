const ALGORITHM = { name: 'HMAC', hash: 'SHA-256' }

const utf8 = new TextEncoder()

/** Imports a key of HMAC-SHA256, which is worth doing once. */
export function hmacKey(bytes: Iterable<number>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', Uint8Array.from(bytes), ALGORITHM, false, ['sign'])
}

/** HMAC-SHA256 of a text, in base64 (RFC 2104). */
export async function hmacBase64(key: CryptoKey, text: string): Promise<string> {
  const mac = await crypto.subtle.sign('HMAC', key, utf8.encode(text))
  return btoa(String.fromCharCode(...new Uint8Array(mac)))
}

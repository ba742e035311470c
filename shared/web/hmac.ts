import { encodeBase64 } from './base64.ts'
import { equalInConstantTime } from './digest.ts'

const ALGORITHM = { name: 'HMAC', hash: 'SHA-256' }

const utf8 = new TextEncoder()

/** Imports a key for HMAC-SHA256. A key that is used often should be imported only once. */
export function hmacKey(bytes: Iterable<number>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', Uint8Array.from(bytes), ALGORITHM, false, ['sign'])
}

/** Returns the HMAC-SHA256 of bytes (RFC 2104). */
export async function hmac(key: CryptoKey, message: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, Uint8Array.from(message)))
}

/** Returns the HMAC-SHA256 of a text, in base64 (RFC 2104). */
export async function hmacBase64(key: CryptoKey, text: string): Promise<string> {
  return encodeBase64(await hmac(key, utf8.encode(text)))
}

/**
 * True if a message was signed with one of the secrets. `encode` writes a signature in the sender's format. Tries every
 * secret, so that the duration does not reveal which one matched.
 */
export async function isSignedBy(
  secrets: string[],
  message: Uint8Array,
  signature: string,
  encode: (mac: Uint8Array) => string,
): Promise<boolean> {
  let isSigned = false
  for (const secret of secrets) {
    const mac = await hmac(await hmacKey(utf8.encode(secret)), message)
    if (equalInConstantTime(encode(mac), signature)) isSigned = true
  }
  return isSigned
}

import { equalInConstantTime } from './digest.ts'

const ALGORITHM = { name: 'HMAC', hash: 'SHA-256' }

const utf8 = new TextEncoder()

/** Imports a key of HMAC-SHA256, which is worth doing once. */
export function hmacKey(bytes: Iterable<number>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', Uint8Array.from(bytes), ALGORITHM, false, ['sign'])
}

/** HMAC-SHA256 of a text, in base64 (RFC 2104). */
export async function hmacBase64(key: CryptoKey, text: string): Promise<string> {
  return base64(await hmac(key, utf8.encode(text)))
}

/** Whether a message has been signed with one of these secrets; `write` writes a signature down. Goes through all of them. */
export async function isSignedBy(
  secrets: string[],
  message: Uint8Array,
  signature: string,
  write: (mac: Uint8Array) => string,
): Promise<boolean> {
  let isSigned = false
  for (const secret of secrets) {
    const mac = await hmac(await hmacKey(utf8.encode(secret)), message)
    if (equalInConstantTime(write(mac), signature)) isSigned = true
  }
  return isSigned
}

/** Bytes in base64 (RFC 4648, 4). */
export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

/** Bytes in base64 as it may stand in an address, without padding (RFC 4648, 5). */
export function base64Url(bytes: Uint8Array): string {
  return base64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** HMAC-SHA256 of bytes (RFC 2104). */
export async function hmac(key: CryptoKey, message: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, Uint8Array.from(message)))
}

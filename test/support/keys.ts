import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Returns a well-formed key. Its checksum is from Node's own CRC-32. */
export function keyOf(name: string): string {
  const body = `nir_${name.replace(/[^0-9A-Za-z]/g, '').padEnd(40, '0')}`
  let rest = crc32(body)
  let digits = ''
  for (let i = 0; i < 6; i++) {
    digits = ALPHABET[rest % 62] + digits
    rest = Math.floor(rest / 62)
  }
  return body + digits
}

/** Returns the entry of `RELAY_KEYS` for a key. Its digest is from Node's own SHA-256. */
export function entryOf(id: string, more: Record<string, unknown> = {}) {
  const sha256 = createHash('sha256').update(keyOf(id)).digest('hex')
  return { id, sha256, scopes: ['images:read', 'images:create'], ...more }
}

/** The callers of the tests. */
export const entries = [
  entryOf('ci'),
  entryOf('other'),
  entryOf('reader', { scopes: ['images:read'] }),
  entryOf('maker', { scopes: ['images:create'] }),
  entryOf('admin', { scopes: ['images:read', 'images:create', 'images:admin'] }),
  entryOf('powerless', { scopes: [] }),
  entryOf('expired', { expiresAt: '2026-01-01T00:00:00+09:00' }),
  entryOf('prefixed', { namePrefix: 'web-' }),
  entryOf('limited', { dailyCreations: 3 }),
]

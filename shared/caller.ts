import { equalInConstantTime, sha256Hex } from './digest.ts'

const PREFIX = 'nir_'
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const SECRET_CHARACTERS = 40
const CHECKSUM_CHARACTERS = 6
const KEY = new RegExp(`^${PREFIX}[0-9A-Za-z]{${SECRET_CHARACTERS + CHECKSUM_CHARACTERS}}$`)

const utf8 = new TextEncoder()

/** What a key may do. `images:admin` sees every caller's creations and settles their conflicts. */
export const SCOPES = ['images:read', 'images:create', 'images:admin'] as const

/** What a key may do. */
export type Scope = (typeof SCOPES)[number]

/** An API key as the relay knows it: by its digest. */
export interface ApiKey {
  id: string
  /** Lower-case hex SHA-256 of the whole key. */
  sha256: string
  scopes: Scope[]
  /** Milliseconds since the epoch. */
  expiresAt?: number | undefined
  /** What the names of images it creates must begin with. */
  namePrefix?: string | undefined
  /** New creations a UTC day, over all keys of the same id. */
  dailyCreations?: number | undefined
}

/** Who asks, and what they may. */
export interface Caller extends Pick<ApiKey, 'scopes' | 'namePrefix' | 'dailyCreations'> {
  /** The name under which their creations are kept: `key:` and the key's id. */
  name: string
}

/** Finds the caller of a key; `undefined` for one that is unknown, misspelt or expired. */
export type Keyring = (key: string, now: number) => Promise<Caller | undefined>

/** Opens a keyring over the configured keys. What was proven by its digest once is not hashed again. */
export function openKeyring(keys: readonly ApiKey[]): Keyring {
  const proven = new Map<string, ApiKey>()

  async function byDigest(key: string): Promise<ApiKey | undefined> {
    const digest = await sha256Hex(key)
    const found = matching(keys, ({ sha256 }) => sha256, digest)
    if (found) proven.set(key, found)
    return found
  }

  return async (key, now) => {
    // A misspelling is told by its checksum, before anything is compared.
    if (!isWellFormedKey(key)) return undefined
    const known = matching([...proven], ([text]) => text, key)?.[1]
    const apiKey = known ?? (await byDigest(key))
    if (!apiKey || (apiKey.expiresAt ?? Number.POSITIVE_INFINITY) <= now) return undefined
    const { id, scopes, namePrefix, dailyCreations } = apiKey
    return { name: `key:${id}`, scopes, namePrefix, dailyCreations }
  }
}

/** The entry with that text. Goes through all of them: the time tells nothing about which came how near. */
function matching<Entry>(
  entries: readonly Entry[],
  textOf: (entry: Entry) => string,
  text: string,
): Entry | undefined {
  let found: Entry | undefined
  for (const entry of entries) if (equalInConstantTime(textOf(entry), text)) found = entry
  return found
}

/** Makes a new key: prefix, 40 random characters and the checksum of both. */
export function newKey(): string {
  let body = PREFIX
  while (body.length < PREFIX.length + SECRET_CHARACTERS) {
    const [byte = 0] = crypto.getRandomValues(new Uint8Array(1))
    // 248 is the largest multiple of 62 in a byte; what lies above would favour some characters.
    if (byte < 248) body += ALPHABET[byte % 62]
  }
  return body + checksum(body)
}

/** Whether a text has the form of a key, its checksum included. */
export function isWellFormedKey(key: string): boolean {
  if (!KEY.test(key)) return false
  const body = key.slice(0, -CHECKSUM_CHARACTERS)
  return key.slice(-CHECKSUM_CHARACTERS) === checksum(body)
}

/** CRC-32 (IEEE) in base 62, most significant digit first, padded with `0`. */
function checksum(text: string): string {
  let rest = crc32(utf8.encode(text))
  let digits = ''
  for (let i = 0; i < CHECKSUM_CHARACTERS; i++) {
    digits = ALPHABET[rest % 62] + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

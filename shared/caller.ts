import { equalInConstantTime, sha256Hex } from './web/digest.ts'

const PREFIX = 'nir_'
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const SECRET_CHARACTERS = 40
const CHECKSUM_CHARACTERS = 6
const KEY = new RegExp(`^${PREFIX}[0-9A-Za-z]{${SECRET_CHARACTERS + CHECKSUM_CHARACTERS}}$`)

const utf8 = new TextEncoder()

/** The scopes of API keys. `images:admin` may read every caller's operations and settle conflicts. */
export const SCOPES = ['images:read', 'images:create', 'images:admin'] as const

/** A scope of an API key. */
export type Scope = (typeof SCOPES)[number]

/** An API key as the relay stores it: its digest instead of the key. */
export interface ApiKey {
  id: string
  /** Lower-case hex SHA-256 of the whole key. */
  sha256: string
  scopes: Scope[]
  /** Milliseconds since the epoch. */
  expiresAt?: number | undefined
  /** The required prefix of the names of images that the key creates. */
  namePrefix?: string | undefined
  /** The maximum number of new operations in a UTC day, counted over all keys with the same id. */
  dailyCreations?: number | undefined
}

/** The sender of a request, and its permissions. */
export interface Caller extends Pick<ApiKey, 'scopes' | 'namePrefix' | 'dailyCreations'> {
  /** The name that is stored with the caller's operations: `key:ci`, `slack:T…:U…`, `job:nightly-web`. */
  name: string
}

/** The chats that the relay answers. */
export const CHAT_NAMES = ['slack', 'mattermost', 'works'] as const

/** A chat that the relay answers. */
export type ChatName = (typeof CHAT_NAMES)[number]

const JOB_PREFIX = 'job:'

/** Returns the caller's name for an API key. */
export function keyCallerName(id: string): string {
  return `key:${id}`
}

/** Returns the caller's name for a person in a chat. */
export function chatCallerName({ chat, person }: { chat: ChatName; person: string }): string {
  return `${chat}:${person}`
}

/** Returns the caller's name for scheduled runs of a job. */
export function jobCallerName(job: string): string {
  return JOB_PREFIX + job
}

/** True for the caller's name of a job. Every reader may see the operations of jobs. */
export function isJobCallerName(name: string): boolean {
  return name.startsWith(JOB_PREFIX)
}

/** The caller that a key belongs to, or the reason why the key is refused. */
export type KeyCheck = { caller: Caller } | { refused: 'unknown-key' | 'expired'; id?: string }

/** Finds the caller of a key at a time in milliseconds since the epoch. */
export type Keyring = (key: string, now: number) => Promise<KeyCheck>

/** Creates a keyring of the configured keys. A key that matched once is cached and not hashed again. */
export function openKeyring(keys: readonly ApiKey[]): Keyring {
  const known = new Map<string, ApiKey>()

  async function byDigest(key: string): Promise<ApiKey | undefined> {
    const digest = await sha256Hex(key)
    const found = findInConstantTime(keys, ({ sha256 }) => sha256, digest)
    if (found) known.set(key, found)
    return found
  }

  return async (key, now) => {
    // The checksum finds a mistyped key without any comparison.
    if (!isWellFormedKey(key)) return { refused: 'unknown-key' }
    const cached = findInConstantTime([...known], ([text]) => text, key)?.[1]
    const apiKey = cached ?? (await byDigest(key))
    if (!apiKey) return { refused: 'unknown-key' }
    const { id, scopes, namePrefix, dailyCreations, expiresAt = Number.POSITIVE_INFINITY } = apiKey
    if (expiresAt <= now) return { refused: 'expired', id }
    return { caller: { name: keyCallerName(id), scopes, namePrefix, dailyCreations } }
  }
}

/** Finds the entry with a text. Compares all entries, so that the duration does not reveal which one matched. */
function findInConstantTime<Entry>(
  entries: readonly Entry[],
  textOf: (entry: Entry) => string,
  text: string,
): Entry | undefined {
  let found: Entry | undefined
  for (const entry of entries) if (equalInConstantTime(textOf(entry), text)) found = entry
  return found
}

/** Creates a new key: prefix, 40 random characters and the checksum of both. */
export function newKey(): string {
  let body = PREFIX
  while (body.length < PREFIX.length + SECRET_CHARACTERS) {
    const [byte = 0] = crypto.getRandomValues(new Uint8Array(1))
    // 248 is the largest multiple of 62 in a byte; larger values would favour some characters.
    if (byte < 248) body += ALPHABET[byte % 62]
  }
  return body + checksum(body)
}

/** True if a text has the form of a key, including its checksum. */
export function isWellFormedKey(key: string): boolean {
  if (!KEY.test(key)) return false
  const body = key.slice(0, -CHECKSUM_CHARACTERS)
  return key.slice(-CHECKSUM_CHARACTERS) === checksum(body)
}

/** Returns the CRC-32 (IEEE) in base 62, most significant digit first, padded with `0`. */
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

import * as v from 'valibot'
import { type ApiKey, SCOPES } from './caller.ts'
import { type Job, Jobs } from './jobs.ts'
import { LANGUAGES, type Language } from './messages.ts'
import type { Credentials } from './ncloud/signature.ts'
import { RegionCode } from './ncloud/values.ts'
import { type Target, Targets } from './notify.ts'
import { oneOf } from './one-of.ts'
import { parse } from './parse.ts'
import type { FieldError } from './problem.ts'
import type { ChatName } from './question.ts'
import { Rfc3339 } from './rfc3339.ts'
import { secureUrl } from './secure-url.ts'

/** The gateways' origins, people's consoles, and the region a site begins with. Source: the API overview of each site. */
const SITES = {
  public: {
    origin: 'https://ncloud.apigw.ntruss.com',
    console: 'https://console.ncloud.com/',
    regionCode: 'KR',
  },
  gov: {
    origin: 'https://ncloud.apigw.gov-ntruss.com',
    console: 'https://console.gov-ncloud.com/',
    regionCode: 'KR',
  },
  fin: {
    origin: 'https://fin-ncloud.apigw.fin-ntruss.com',
    console: 'https://console.fin-ncloud.com/',
    regionCode: 'FKR',
  },
} as const

const DEFAULT_PORT = 8787
const WHOLE = 'must be a whole number, 0 or more'
const PORT_RULE = 'must be a port number'

/** One half of a key pair. */
export const KeyPart = v.pipe(
  v.string(),
  v.regex(/^[!-~]+$/, 'must be visible ASCII without spaces'),
)

/** A value that may come as its JSON. */
export const Json = v.pipe(v.unknown(), v.check(isJson, 'must be JSON'), v.transform(fromJson))

const Origin = v.pipe(
  v.string(),
  v.check(isOrigin, 'must be an https origin without a path; http only on loopback'),
  v.transform((text) => new URL(text).origin),
)

/** A user's id in Mattermost, or in NAVER WORKS. */
const PersonId = v.pipe(v.string(), v.regex(/^[\w.@-]{1,100}$/, 'must be the id of a user'))

const RelayKey = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ -')),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits')),
  scopes: v.array(oneOf(SCOPES)),
  expiresAt: v.optional(Rfc3339),
  namePrefix: v.optional(
    v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,29}$/, 'must be the beginning of an image name')),
  ),
  dailyCreations: v.optional(v.pipe(v.number(), v.safeInteger(WHOLE), v.minValue(0, WHOLE))),
})

/** One secret, or several while one takes the other's place. */
const Secrets = v.pipe(
  v.string(),
  v.transform((text) => text.split(',').map((secret) => secret.trim())),
  v.array(KeyPart),
)

const Pem = v.pipe(
  v.string(),
  // In one line, as environments hold it.
  v.transform((text) => text.replaceAll('\\n', '\n').trim()),
  // In the middle stands what RSA is called (RFC 8017, A.1), so far from the beginning that base64 is always this.
  v.regex(
    /^-+BEGIN PRIVATE KEY-+\s\w+BgkqhkiG9w0BAQEF[\w+/=\s]+-+END PRIVATE KEY-+$/,
    'must be an RSA key in PEM (PKCS#8)',
  ),
)

/** People who may make images, by chat. */
const Creators = v.strictObject({
  slack: v.optional(
    v.array(v.pipe(v.string(), v.regex(/^[TE]\w+:[UW]\w+$/, 'must be a team and a user: T…:U…'))),
    [],
  ),
  mattermost: v.optional(v.array(PersonId), []),
  works: v.optional(v.array(PersonId), []),
})

const Count = v.pipe(
  v.union([v.string(), v.number()], WHOLE),
  v.transform(String),
  v.regex(/^\d{1,9}$/, WHOLE),
  v.transform(Number),
)

const RelayKeys = v.pipe(
  v.array(RelayKey),
  v.check(
    (keys) => new Set(keys.map(({ sha256 }) => sha256)).size === keys.length,
    'must not hold a digest twice',
  ),
)

const Port = v.pipe(
  v.unknown(),
  v.transform(Number),
  v.safeInteger(PORT_RULE),
  v.check((port) => port >= 0 && port <= 65_535, PORT_RULE),
)

const Settings = v.strictObject({
  NCLOUD_ACCESS_KEY: KeyPart,
  NCLOUD_SECRET_KEY: KeyPart,
  NCLOUD_SECRET_ID: v.optional(v.string()),
  NCLOUD_SITE: v.optional(oneOf(Object.keys(SITES) as Site[]), 'public'),
  NCLOUD_API_GW: v.optional(Origin),
  NCLOUD_REGION: v.optional(RegionCode),
  RELAY_KEYS: v.optional(v.pipe(Json, RelayKeys), []),
  RELAY_JOBS: v.optional(v.pipe(Json, Jobs), []),
  RELAY_NOTIFY: v.optional(v.pipe(Json, Targets), {}),
  RELAY_LANGUAGE: v.optional(oneOf(LANGUAGES), 'en'),
  SLACK_SIGNING_SECRET: v.optional(Secrets),
  MATTERMOST_TOKEN: v.optional(Secrets),
  MATTERMOST_URL: v.optional(Origin),
  WORKS_BOT_ID: v.optional(v.pipe(v.string(), v.regex(/^\d{1,20}$/, 'must be digits'))),
  WORKS_BOT_SECRET: v.optional(Secrets),
  WORKS_CLIENT_ID: v.optional(KeyPart),
  WORKS_CLIENT_SECRET: v.optional(KeyPart),
  WORKS_SERVICE_ACCOUNT: v.optional(KeyPart),
  WORKS_PRIVATE_KEY: v.optional(Pem),
  CHAT_CREATORS: v.optional(v.pipe(Json, Creators), {}),
  CHAT_DAILY_CREATIONS: v.optional(Count),
  PORT: v.optional(Port, DEFAULT_PORT),
  RELAY_DATABASE: v.optional(v.string(), 'relay.sqlite'),
  CREATIONS_TABLE: v.optional(
    v.pipe(v.string(), v.regex(/^[\w.-]{3,255}$/, 'must be the name of a DynamoDB table')),
  ),
})

/** A zone of NAVER Cloud with a gateway of its own. */
export type Site = keyof typeof SITES

/** The chats that the relay answers; one without its secret is missing. */
export interface Chats {
  slack?: { signingSecrets: string[] }
  mattermost?: { tokens: string[]; origin: string | undefined }
  works?: WorksSettings
}

/** A bot of NAVER WORKS, and the service account that it speaks by. */
export interface WorksSettings {
  botId: string
  botSecrets: string[]
  clientId: string
  clientSecret: string
  serviceAccount: string
  /** PKCS#8 in PEM. */
  privateKey: string
}

/** What the settings say, typed; nothing in it is missing. */
export interface Settings {
  site: Site
  /** The gateway's origin. */
  origin: string
  /** The region where a request names none. */
  regionCode: string
  credentials: Credentials
  keys: ApiKey[]
  jobs: Job[]
  /** Who can be told, by name. */
  targets: Record<string, Target>
  language: Language
  chats: Chats
  /** Who in a chat may make images. */
  creators: Record<ChatName, string[]>
  /** How many images one of them may make a UTC day. */
  dailyCreations: number | undefined
  /** The page where people see their images. */
  console: string
  /** A file of SQLite, or `:memory:`. */
  database: string
  /** A table of DynamoDB; empty where none is named. */
  table: string
}

/** What an entry says of its settings, beside the environment. */
interface Terms {
  /** Of the secret that is named: what holds where the environment says nothing. */
  secret?: Record<string, unknown>
  /** What the platform cannot do without. */
  required?: (keyof typeof Settings.entries)[]
}

/**
 * Parses the settings of any platform, which are all flat sets of names: the typed value or every fault, each
 * with the setting's name and never with its value. Empty is absent; other names are passed over.
 */
export function parseSettings(
  environment: Record<string, unknown>,
  { secret, required = [] }: Terms = {},
): { value: Settings } | { errors: FieldError[] } {
  const given = Object.keys(Settings.entries)
    .map((name) => [name, [environment[name], secret?.[name]].find(isGiven)] as const)
    .filter(([, value]) => isGiven(value))
  const settings = Object.fromEntries(given)
  const parsed = parse(Settings, settings)
  const errors: FieldError[] = required
    .filter((name) => !(name in settings))
    .map((path) => ({ path, message: 'is required' }))
  const fault = secretFault(environment, secret)
  if (fault) errors.push({ path: 'NCLOUD_SECRET_ID', message: fault })
  errors.push(...missingBeside('WORKS_BOT_SECRET', 'WORKS_', settings))
  errors.push(...unknownTargets(settings))
  if ('errors' in parsed) return { errors: [...parsed.errors, ...errors] }
  if (errors.length > 0) return { errors }
  const { value } = parsed
  const site = SITES[value.NCLOUD_SITE]
  return {
    value: {
      site: value.NCLOUD_SITE,
      origin: value.NCLOUD_API_GW ?? site.origin,
      regionCode: value.NCLOUD_REGION ?? site.regionCode,
      credentials: { accessKey: value.NCLOUD_ACCESS_KEY, secretKey: value.NCLOUD_SECRET_KEY },
      keys: value.RELAY_KEYS,
      jobs: value.RELAY_JOBS,
      targets: value.RELAY_NOTIFY,
      language: value.RELAY_LANGUAGE,
      chats: chatsOf(value),
      creators: value.CHAT_CREATORS,
      dailyCreations: value.CHAT_DAILY_CREATIONS,
      console: site.console,
      database: value.RELAY_DATABASE,
      table: value.CREATIONS_TABLE ?? '',
    },
  }
}

/** The chats whose secrets are given. */
function chatsOf(value: v.InferOutput<typeof Settings>): Chats {
  const {
    SLACK_SIGNING_SECRET: signingSecrets,
    MATTERMOST_TOKEN: tokens,
    MATTERMOST_URL: origin,
    WORKS_BOT_SECRET: botSecrets,
    WORKS_BOT_ID: botId = '',
    WORKS_CLIENT_ID: clientId = '',
    WORKS_CLIENT_SECRET: clientSecret = '',
    WORKS_SERVICE_ACCOUNT: serviceAccount = '',
    WORKS_PRIVATE_KEY: privateKey = '',
  } = value
  const account = { clientId, clientSecret, serviceAccount, privateKey }
  return {
    ...(signingSecrets && { slack: { signingSecrets } }),
    ...(tokens && { mattermost: { tokens, origin } }),
    ...(botSecrets && { works: { botId, botSecrets, ...account } }),
  }
}

/** What a chat cannot do without, once its secret is given: all settings whose names begin alike. */
function missingBeside(secret: string, prefix: string, given: object): FieldError[] {
  if (!(secret in given)) return []
  const names = Object.keys(Settings.entries).filter((name) => name.startsWith(prefix))
  const missing = names.filter((name) => !(name in given))
  return missing.map((path) => ({ path, message: `is required beside ${secret}` }))
}

/** Where to listen, whatever else is wrong with the settings. */
export function portOf(environment: Record<string, unknown>): number {
  const parsed = parse(Port, environment.PORT || DEFAULT_PORT)
  return 'value' in parsed ? parsed.value : DEFAULT_PORT
}

/** Where a job notifies somebody who cannot be told; told whatever else is wrong. */
function unknownTargets({ RELAY_JOBS, RELAY_NOTIFY }: Record<string, unknown>): FieldError[] {
  const jobs = parse(Settings.entries.RELAY_JOBS, RELAY_JOBS)
  const targets = parse(Settings.entries.RELAY_NOTIFY, RELAY_NOTIFY)
  if ('errors' in jobs || 'errors' in targets) return []
  return jobs.value.flatMap(({ notify }, job) =>
    notify.flatMap((name, index) =>
      Object.hasOwn(targets.value, name)
        ? []
        : [
            {
              path: `RELAY_JOBS.${job}.notify.${index}`,
              message: 'must be a name in RELAY_NOTIFY',
            },
          ],
    ),
  )
}

function secretFault(
  { NCLOUD_SECRET_ID, NCLOUD_ACCESS_KEY, NCLOUD_SECRET_KEY }: Record<string, unknown>,
  secret: Record<string, unknown> | undefined,
): string | undefined {
  if (!isGiven(NCLOUD_SECRET_ID)) return undefined
  if (isGiven(NCLOUD_ACCESS_KEY) || isGiven(NCLOUD_SECRET_KEY)) {
    return 'must not be given beside a key pair'
  }
  return secret ? undefined : 'is of use on AWS Lambda only'
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== ''
}

/** JSON settings may come as objects: Worker vars do. */
function fromJson(value: unknown): unknown {
  return typeof value === 'string' ? JSON.parse(value) : value
}

function isJson(value: unknown): boolean {
  try {
    fromJson(value)
    return true
  } catch {
    return false
  }
}

function isOrigin(text: string): boolean {
  const url = secureUrl(text)
  return url?.pathname === '/' && !url.search && !url.hash
}

import * as v from 'valibot'
import { type ApiKey, type ChatName, SCOPES } from './caller.ts'
import { type Job, Jobs } from './jobs/job.ts'
import type { Credentials } from './ncloud/signature.ts'
import { SITES, type Site } from './ncloud/sites.ts'
import { RegionCode } from './ncloud/values.ts'
import { oneOf } from './one-of.ts'
import { type Target, Targets } from './outbox/webhooks.ts'
import { LANGUAGES, type Language } from './outbox/wording/languages.ts'
import { type Parsed, parse, parseAsync } from './parse.ts'
import type { FieldError } from './problem.ts'
import { decodeBase64 } from './web/base64.ts'
import { Rfc3339 } from './web/rfc3339.ts'
import { secureUrl } from './web/secure-url.ts'

const DEFAULT_PORT = 8787

/** The algorithm of the JSON Web Tokens that NAVER WORKS accepts. */
const RS256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

const rules = {
  wholeNumber: 'must be a whole number, 0 or more',
  port: 'must be a port number from 0 to 65535',
  privateKey: 'must be an RSA private key in PEM (PKCS#8)',
  origin: 'must be an https origin without a path; http only on loopback',
  targets: 'names targets that RELAY_NOTIFY does not have',
}

/** One half of a key pair. */
export const KeyPart = v.pipe(
  v.string(),
  v.regex(/^[!-~]+$/, 'must be visible ASCII without spaces'),
)

/** A value as JSON text, or already parsed, because Worker variables can be objects. */
export const Json = v.lazy((input) =>
  typeof input === 'string' ? v.pipe(v.string(), v.parseJson({}, 'must be JSON')) : v.unknown(),
)

const Origin = v.pipe(
  v.string(),
  v.check(isOrigin, rules.origin),
  v.transform((text) => new URL(text).origin),
)

/** The id of a user in Mattermost or NAVER WORKS. */
const UserId = v.pipe(v.string(), v.regex(/^[\w.@-]{1,100}$/, 'must be the id of a user'))

const RelayKey = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ -')),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits')),
  scopes: v.array(oneOf(SCOPES)),
  expiresAt: v.optional(Rfc3339),
  namePrefix: v.optional(
    v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,29}$/, 'must be the beginning of an image name')),
  ),
  dailyCreations: v.optional(
    v.pipe(v.number(), v.safeInteger(rules.wholeNumber), v.minValue(0, rules.wholeNumber)),
  ),
})

const RelayKeys = v.pipe(
  v.array(RelayKey),
  v.check(
    (keys) => new Set(keys.map(({ sha256 }) => sha256)).size === keys.length,
    'must not have one digest twice',
  ),
)

/** One secret, or several separated by commas during a rotation. */
const Secrets = v.pipe(
  v.string(),
  v.transform((text) => text.split(',').map((secret) => secret.trim())),
  v.array(KeyPart),
)

/** An RSA private key in PEM, imported for signing. Line breaks may be written as `\n`, for environment variables. */
const PrivateKey = v.pipeAsync(
  v.string(),
  v.rawTransformAsync(async ({ dataset: { value: pem }, addIssue, NEVER }) => {
    const lines = pem.replaceAll('\\n', '\n')
    const body = /^-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----$/.exec(lines.trim())
    const der = decodeBase64(body?.[1]?.replace(/\s/g, '') ?? '')
    try {
      return await crypto.subtle.importKey('pkcs8', Uint8Array.from(der ?? []), RS256, false, [
        'sign',
      ])
    } catch {
      addIssue({ message: rules.privateKey })
      return NEVER
    }
  }),
)

/** The people who may create images, by chat. */
const Creators = v.strictObject({
  slack: v.optional(
    v.array(v.pipe(v.string(), v.regex(/^[TE]\w+:[UW]\w+$/, 'must be a team and a user: T…:U…'))),
    [],
  ),
  mattermost: v.optional(v.array(UserId), []),
  works: v.optional(v.array(UserId), []),
})

const Count = v.pipe(
  v.union([v.string(), v.number()], rules.wholeNumber),
  v.transform(String),
  v.regex(/^\d{1,9}$/, rules.wholeNumber),
  v.transform(Number),
)

const Port = v.pipe(
  v.unknown(),
  v.transform(Number),
  v.safeInteger(rules.port),
  v.minValue(0, rules.port),
  v.maxValue(65_535, rules.port),
)

const entries = {
  NCLOUD_ACCESS_KEY: KeyPart,
  NCLOUD_SECRET_KEY: KeyPart,
  NCLOUD_SECRET_ID: v.optional(v.string()),
  NCLOUD_SITE: v.optional(oneOf(Object.keys(SITES) as Site[]), 'public'),
  NCLOUD_API_GW: v.optional(Origin),
  NCLOUD_REGION: v.optional(RegionCode),
  RELAY_NAME: v.optional(
    v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ -')),
  ),
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
  WORKS_PRIVATE_KEY: v.optionalAsync(PrivateKey),
  CHAT_CREATORS: v.optional(v.pipe(Json, Creators), {}),
  CHAT_DAILY_CREATIONS: v.optional(Count),
  PORT: v.optional(Port, DEFAULT_PORT),
  RELAY_DATABASE: v.optional(v.string(), 'relay.sqlite'),
  RELAY_TABLE: v.optional(
    v.pipe(v.string(), v.regex(/^[\w.-]{3,255}$/, 'must be the name of a DynamoDB table')),
  ),
}

type SettingName = keyof typeof entries

/** The settings of NAVER WORKS: with the bot's secret, all of them are required. */
const WORKS_SETTINGS: SettingName[] = [
  'WORKS_BOT_ID',
  'WORKS_BOT_SECRET',
  'WORKS_CLIENT_ID',
  'WORKS_CLIENT_SECRET',
  'WORKS_SERVICE_ACCOUNT',
  'WORKS_PRIVATE_KEY',
]

const SettingsSchema = v.pipeAsync(
  v.strictObjectAsync(entries),
  v.forward(
    v.partialCheck(
      [['RELAY_JOBS'], ['RELAY_NOTIFY']],
      (settings) => unknownTargets(settings).length === 0,
      ({ input }) => `${rules.targets}: ${unknownTargets(input).join(', ')}`,
    ),
    ['RELAY_JOBS'],
  ),
)

/** Returns the paths in jobs that name a target that does not exist: `0.notify.1`. */
function unknownTargets(settings: { RELAY_JOBS: Job[]; RELAY_NOTIFY: Record<string, Target> }) {
  const { RELAY_JOBS: jobs, RELAY_NOTIFY: targets } = settings
  return jobs.flatMap(({ notify }, job) =>
    notify.flatMap((name, at) => (Object.hasOwn(targets, name) ? [] : [`${job}.notify.${at}`])),
  )
}

/** The enabled chats: those whose secret is set. */
export interface Chats {
  slack?: { signingSecrets: string[] }
  mattermost?: { tokens: string[]; origin: string | undefined }
  works?: WorksSettings
}

/** A bot of NAVER WORKS and the service account that it uses. */
export interface WorksSettings {
  botId: string
  botSecrets: string[]
  clientId: string
  clientSecret: string
  serviceAccount: string
  /** The key for signatures with RS256. */
  privateKey: CryptoKey
}

/** The parsed settings, with defaults filled in. */
export interface Settings {
  /** The name of this relay; empty unless it is set. */
  relayName: string
  site: Site
  /** The gateway's origin. */
  origin: string
  /** The region of requests without a region. */
  regionCode: string
  credentials: Credentials
  keys: ApiKey[]
  jobs: Job[]
  /** The receivers of notifications, by name. */
  targets: Record<string, Target>
  language: Language
  chats: Chats
  /** The people who may create images, by chat. */
  creators: Record<ChatName, string[]>
  /** The maximum number of images that each person may create in a UTC day; no limit if undefined. */
  dailyCreations: number | undefined
  /** The page of NAVER Cloud's web console. */
  console: string
  /** A SQLite file, or `:memory:`. */
  database: string
  /** A DynamoDB table. */
  table: string | undefined
}

/** The settings that a platform adds or requires. */
interface ParseOptions {
  /** The settings in the secret that `NCLOUD_SECRET_ID` names; the environment takes precedence. */
  secret?: Record<string, unknown>
  /** The settings that the platform requires. */
  required?: SettingName[]
}

/**
 * Parses the settings, which have the same flat names on every platform. Returns the typed value, or every error with the
 * setting's name and without its value. An empty setting counts as absent; unknown names are ignored.
 */
export async function parseSettings(
  environment: Record<string, unknown>,
  { secret, required = [] }: ParseOptions = {},
): Promise<Parsed<Settings>> {
  const given = Object.keys(entries)
    .map((name) => [name, [environment[name], secret?.[name]].find(isGiven)] as const)
    .filter(([, value]) => isGiven(value))
  const settings = Object.fromEntries(given)
  const parsed = await parseAsync(SettingsSchema, settings)
  const errors = [
    ...('errors' in parsed ? parsed.errors : []),
    ...missing(required, settings, 'is required'),
    ...secretFaults(environment, secret),
    ...('WORKS_BOT_SECRET' in settings
      ? missing(WORKS_SETTINGS, settings, 'is required with WORKS_BOT_SECRET')
      : []),
  ]
  return 'value' in parsed && errors.length === 0 ? { value: settingsOf(parsed.value) } : { errors }
}

function settingsOf(value: v.InferOutput<typeof SettingsSchema>): Settings {
  const site = SITES[value.NCLOUD_SITE]
  return {
    relayName: value.RELAY_NAME ?? '',
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
    table: value.RELAY_TABLE,
  }
}

function chatsOf(value: v.InferOutput<typeof SettingsSchema>): Chats {
  const {
    SLACK_SIGNING_SECRET: signingSecrets,
    MATTERMOST_TOKEN: tokens,
    MATTERMOST_URL: origin,
    WORKS_BOT_SECRET: botSecrets,
    WORKS_BOT_ID: botId,
    WORKS_CLIENT_ID: clientId,
    WORKS_CLIENT_SECRET: clientSecret,
    WORKS_SERVICE_ACCOUNT: serviceAccount,
    WORKS_PRIVATE_KEY: privateKey,
  } = value
  const hasWorks = botId && botSecrets && clientId && clientSecret && serviceAccount && privateKey
  return {
    ...(signingSecrets && { slack: { signingSecrets } }),
    ...(tokens && { mattermost: { tokens, origin } }),
    ...(hasWorks && {
      works: { botId, botSecrets, clientId, clientSecret, serviceAccount, privateKey },
    }),
  }
}

/** Returns the address to listen on, even if other settings are invalid. Without `HOST` it means all interfaces. */
export function listenAddress({ HOST, PORT }: Record<string, string | undefined>) {
  const port = parse(Port, PORT || DEFAULT_PORT)
  return { host: HOST || undefined, port: 'value' in port ? port.value : DEFAULT_PORT }
}

function missing(names: string[], settings: object, message: string): FieldError[] {
  return names.filter((name) => !(name in settings)).map((path) => ({ path, message }))
}

function secretFaults(
  { NCLOUD_SECRET_ID, NCLOUD_ACCESS_KEY, NCLOUD_SECRET_KEY }: Record<string, unknown>,
  secret: Record<string, unknown> | undefined,
): FieldError[] {
  if (!isGiven(NCLOUD_SECRET_ID)) return []
  const path = 'NCLOUD_SECRET_ID'
  if (isGiven(NCLOUD_ACCESS_KEY) || isGiven(NCLOUD_SECRET_KEY)) {
    return [{ path, message: 'must not be set together with a key pair' }]
  }
  return secret ? [] : [{ path, message: 'works on AWS Lambda only' }]
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== ''
}

function isOrigin(text: string): boolean {
  const url = secureUrl(text)
  return url?.pathname === '/' && !url.search && !url.hash
}

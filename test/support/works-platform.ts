import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { jwtVerify } from 'jose'
import * as v from 'valibot'
import { leakSearch } from './canaries.ts'
import { openLocalServer } from './local-server.ts'

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

const settings = {
  WORKS_BOT_ID: '2000001',
  WORKS_BOT_SECRET: 'CANARYbotSecret1Qa2Ws3Ed4Rf5Tg6Y',
  WORKS_CLIENT_ID: 'k9mXz2Pq7Lw4Rt8Vb3Nc',
  WORKS_CLIENT_SECRET: 'CANARYclient7Uj8Ik9',
  WORKS_SERVICE_ACCOUNT: 'a1b2c.serviceaccount@example.com',
  WORKS_PRIVATE_KEY: PEM,
}

/** The beginning of every access token. */
const TOKEN = 'CANARYaccessToken4Zx5Cv6Bn7Mq8'

/** Searches for secrets that only the relay and NAVER WORKS may know. */
export const worksLeaksIn = leakSearch({
  botSecret: settings.WORKS_BOT_SECRET,
  clientSecret: settings.WORKS_CLIENT_SECRET,
  accessToken: TOKEN,
  privateKey: PEM.split('\n').at(9) ?? '',
})

const TOKEN_PATH = '/oauth2/v2.0/token'
const MESSAGE_PATH = /^\/v1\.0\/bots\/([^/]+)\/((?:users|channels)\/[^/]+)\/messages$/
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const FORM = 'assertion client_id client_secret grant_type scope'
const HOUR = 3_600
const DAY = 86_400

/** The errors that have a code: https://developers.worksmobile.com/en/docs/error-codes */
const codes: Record<number, string> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'ACCESS_DENIED',
  404: 'NOT_FOUND',
  429: 'TOO_MANY_REQUESTS',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'SERVICE_UNAVAILABLE',
}

/** Returns the rule for a text without a mention: https://developers.worksmobile.com/en/docs/bot-mention */
function text(max: number) {
  return v.pipe(
    v.string(),
    v.minLength(1),
    // Counts in UTF-16, the strictest way. The documents do not say how to count.
    v.maxLength(max),
    v.check((given) => !/<m\s+userId\s*=/i.test(given), 'A mention'),
  )
}

function localised(field: string, max: number) {
  const language = v.picklist(['ko_KR', 'ja_JP', 'zh_CN', 'zh_TW', 'en_US'])
  return v.optional(v.array(v.strictObject({ language, [field]: text(max) })))
}

const labels = { label: text(20), i18nLabels: localised('label', 20) }

/** https://developers.worksmobile.com/en/docs/bot-actionobject */
const buttonActions = [
  v.strictObject({
    type: v.literal('message'),
    ...labels,
    text: v.optional(text(300)),
    i18nTexts: localised('text', 300),
    postback: v.optional(v.pipe(v.string(), v.maxBytes(300))),
  }),
  v.strictObject({ type: v.literal('uri'), ...labels, uri: v.pipe(text(1_000), v.url()) }),
  v.strictObject({ type: v.literal('copy'), ...labels, copyText: text(1_000) }),
] as const

const quickAction = v.variant('type', [
  ...buttonActions,
  v.strictObject({
    type: v.literal('postback'),
    ...labels,
    data: v.pipe(text(300), v.maxBytes(300)),
    displayText: text(300),
    i18nDisplayTexts: localised('displayText', 300),
  }),
])

/** https://developers.worksmobile.com/en/docs/bot-quickreply, without icons */
const quickReply = v.optional(
  v.strictObject({
    items: v.pipe(
      v.array(v.strictObject({ action: quickAction })),
      v.minLength(1),
      v.maxLength(13),
    ),
  }),
)

/** https://developers.worksmobile.com/en/docs/bot-send-text and …/bot-send-button */
const Body = v.strictObject({
  content: v.variant('type', [
    v.strictObject({
      type: v.literal('text'),
      text: text(2_000),
      i18nTexts: localised('text', 2_000),
      quickReply,
    }),
    v.strictObject({
      type: v.literal('button_template'),
      contentText: text(1_000),
      i18nContentTexts: localised('contentText', 1_000),
      actions: v.pipe(v.array(v.variant('type', buttonActions)), v.minLength(1), v.maxLength(10)),
      quickReply,
    }),
  ]),
})

/** The environment of a relay that uses this platform's bot. */
export type WorksEnvironment = typeof settings

/** A message from a bot. */
export interface BotMessage {
  /** The recipient, decoded: `users/…` or `channels/…`. */
  to: string
  content: v.InferOutput<typeof Body>['content']
}

/** A request as received. */
interface Arrived {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
}

interface Answer {
  status: number
  body?: object
  headers?: Record<string, string>
  /** The rule that the request broke. */
  fault?: string
}

type Outcome = Answer | 'hang'

/** Opens a stand-in for NAVER WORKS, which issues access tokens and receives a bot's messages. */
export async function openWorksPlatform({ now = Date.now }: { now?: () => number } = {}) {
  /** The expiry of each token, in milliseconds since the epoch. */
  const tokens = new Map<string, number>()
  const messages: BotMessage[] = []
  const faults: string[] = []
  const pending: Outcome[] = []
  let refusals = 0

  async function answerTo(arrived: Arrived): Promise<Outcome> {
    const { method, path, headers } = arrived
    if (method === 'POST' && path === TOKEN_PATH) return giveToken(arrived)
    const [, botId, to] = MESSAGE_PATH.exec(path) ?? []
    if (method !== 'POST' || botId === undefined || to === undefined) {
      return apiError(404, 'No such address')
    }
    const [, token] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? []
    const until = tokens.get(token ?? '')
    if (until === undefined) return unauthorized('Not an issued token')
    // Not a fault: the relay may learn only from this answer that its token has expired.
    if (until <= now()) return unauthorized()
    if (botId !== settings.WORKS_BOT_ID) return apiError(404, 'Another bot')
    return hear(decoded(to), arrived)
  }

  async function giveToken({ headers, body }: Arrived): Promise<Answer> {
    const error = await tokenFault(headers, body, new Date(now()))
    if (error) return error
    if (refusals > 0) {
      refusals--
      return failure(500)
    }
    const token = `${TOKEN}${randomUUID()}`
    tokens.set(token, now() + DAY * 1_000)
    const given = {
      access_token: token,
      refresh_token: `${TOKEN}refresh${randomUUID()}`,
      token_type: 'Bearer',
      // A string, as in the documents and the official samples.
      expires_in: String(DAY),
      scope: new URLSearchParams(body).get('scope'),
    }
    return { status: 200, body: given }
  }

  function hear(to: string | undefined, { headers, body }: Arrived): Outcome {
    if (to === undefined) return apiError(400, 'A recipient that is not encoded')
    if (!isOf('application/json', headers)) return apiError(400, 'Not JSON by its content-type')
    const parsed = v.safeParse(Body, jsonOf(body))
    if (!parsed.success) {
      const [issue] = parsed.issues
      return apiError(
        400,
        `${v.getDotPath(issue) ?? 'body'}: ${issue.message}`,
        'INVALID_PARAMETER',
      )
    }
    const outcome = pending.shift() ?? { status: 201, headers: rateLimit(239, 60) }
    if (outcome !== 'hang' && outcome.status === 201) {
      messages.push({ to, content: parsed.output.content })
    }
    return outcome
  }

  function prepare(count: number, outcome: Outcome) {
    for (let i = 0; i < count; i++) pending.push(outcome)
  }

  const { url, close } = await openLocalServer(async (request, response) => {
    const { method = '', url: path = '', headers } = request
    const body = Buffer.concat(await request.toArray()).toString()
    const outcome = await answerTo({ method, path, headers, body })
    if (outcome === 'hang') return
    if (outcome.fault) faults.push(`${method} ${path}: ${outcome.fault}`)
    const type = outcome.body && { 'content-type': 'application/json; charset=UTF-8' }
    response
      .writeHead(outcome.status, { ...type, ...outcome.headers })
      .end(outcome.body && JSON.stringify(outcome.body))
  })

  return {
    settings,
    url,
    /** Returns the number of issued tokens. */
    tokens: () => tokens.size,
    /** The messages that were answered with 201, in order. */
    messages,
    /** Every request that broke a rule, with that rule. A test asserts that there is none. */
    faults,
    /** Expires all issued tokens. */
    expireTokens() {
      for (const token of tokens.keys()) tokens.set(token, 0)
    },
    /** Answers the next messages with 429 and a reset after `resetSeconds`. */
    throttle(count: number, resetSeconds: number) {
      prepare(count, { ...failure(429), headers: rateLimit(0, resetSeconds) })
    },
    /** Answers the next messages with an error. */
    fail: (count: number, status: number) => prepare(count, failure(status)),
    /** Never answers the next messages. */
    hang: (count: number) => prepare(count, 'hang'),
    /** Answers the next token requests with 500. */
    refuseTokens(count: number) {
      refusals += count
    },
    close,
  }
}

/** Returns the error of a token request that breaks RFC 6749 or RFC 7523. */
async function tokenFault(
  headers: IncomingHttpHeaders,
  body: string,
  currentDate: Date,
): Promise<Answer | undefined> {
  const form = new URLSearchParams(body)
  const field = (name: string) => form.get(name) ?? ''
  if (!isOf('application/x-www-form-urlencoded', headers)) {
    return tokenError('invalid_request', 'Not a form by its content-type')
  }
  if ([...form.keys()].sort().join(' ') !== FORM) {
    return tokenError('invalid_request', `The fields are not exactly ${FORM}`)
  }
  if (field('grant_type') !== GRANT) return tokenError('unsupported_grant_type', 'Another grant')
  const { WORKS_CLIENT_ID: issuer, WORKS_SERVICE_ACCOUNT: subject } = settings
  if (field('client_id') !== issuer || field('client_secret') !== settings.WORKS_CLIENT_SECRET) {
    return tokenError('invalid_client', 'Another client')
  }
  const scopes = field('scope').split(/[\s,]+/)
  if (!scopes.some((scope) => scope === 'bot' || scope === 'bot.message')) {
    return tokenError('invalid_scope', 'No scope for messages')
  }
  try {
    const rules = { algorithms: ['RS256'], issuer, subject, currentDate, maxTokenAge: HOUR }
    const { payload } = await jwtVerify(field('assertion'), publicKey, {
      ...rules,
      requiredClaims: ['exp'],
    })
    const { iat = 0, exp = Infinity } = payload
    if (exp - iat > HOUR) return tokenError('invalid_grant', 'Valid for more than an hour')
  } catch (error) {
    return tokenError('invalid_grant', error instanceof Error ? error.message : String(error))
  }
  return undefined
}

function tokenError(error: string, fault: string): Answer {
  const status = error === 'invalid_client' ? 401 : 400
  return { status, body: { error, error_description: fault }, fault }
}

function apiError(status: number, fault: string, code = codes[status]): Answer {
  return { status, body: { code, description: fault }, fault }
}

function unauthorized(fault?: string): Answer {
  const headers = { 'www-authenticate': 'Bearer error="invalid_token"' }
  return { ...failure(401), headers, ...(fault && { fault }) }
}

function failure(status: number): Answer {
  const code = codes[status] ?? `HTTP_${status}`
  return { status, body: { code, description: `This is ${code}` } }
}

/** https://developers.worksmobile.com/en/docs/rate-limits */
function rateLimit(remaining: number, resetSeconds: number): Record<string, string> {
  return {
    'rateLimit-limit': '240',
    'rateLimit-remaining': String(remaining),
    'rateLimit-reset': String(resetSeconds),
  }
}

function isOf(type: string, headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() === type
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function decoded(to: string): string | undefined {
  try {
    return decodeURIComponent(to)
  } catch {
    return undefined
  }
}

type BotKeys = Pick<WorksEnvironment, 'WORKS_BOT_ID' | 'WORKS_BOT_SECRET'>

/** A text to a bot, or the data of a clicked button. Without `channelId` it is from a direct chat. */
export type WorksEvent = { userId?: string; channelId?: string } & (
  | { text: string; postback?: string }
  | { data: string }
)

/** Returns a callback as NAVER WORKS sends it. */
export function worksCallback(
  keys: BotKeys,
  { userId = 'c72af563-0f21-4736-11e4-045237113344', channelId, ...said }: WorksEvent,
  { at = Date.now() }: { at?: number } = {},
) {
  const event = {
    type: 'data' in said ? 'postback' : 'message',
    source: { userId, channelId, domainId: 40029600 },
    issuedTime: new Date(at).toISOString(),
    ...('data' in said ? said : { content: { type: 'text', ...said } }),
  }
  return signedCallback(keys, JSON.stringify(event))
}

/** Returns a signed callback with any body, for events other than texts and clicks. */
export function signedCallback({ WORKS_BOT_ID, WORKS_BOT_SECRET }: BotKeys, body: string) {
  return {
    body,
    headers: {
      'content-type': 'application/json; charset=UTF-8',
      'x-works-botid': WORKS_BOT_ID,
      'x-works-signature': createHmac('sha256', WORKS_BOT_SECRET).update(body).digest('base64'),
    },
  }
}

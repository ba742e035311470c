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

/** How every access token begins. */
const TOKEN = 'CANARYaccessToken4Zx5Cv6Bn7Mq8'

/** Searches for what only the relay and NAVER WORKS may know. */
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

/** The errors that have a name: https://developers.worksmobile.com/en/docs/error-codes */
const codes: Record<number, string> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'ACCESS_DENIED',
  404: 'NOT_FOUND',
  429: 'TOO_MANY_REQUESTS',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'SERVICE_UNAVAILABLE',
}

/** A text without a mention: https://developers.worksmobile.com/en/docs/bot-mention */
function text(most: number) {
  return v.pipe(
    v.string(),
    v.minLength(1),
    // In UTF-16, the strictest way to count; the documents do not say how.
    v.maxLength(most),
    v.check((given) => !/<m\s+userId\s*=/i.test(given), 'A mention'),
  )
}

function localised(field: string, most: number) {
  const language = v.picklist(['ko_KR', 'ja_JP', 'zh_CN', 'zh_TW', 'en_US'])
  return v.optional(v.array(v.strictObject({ language, [field]: text(most) })))
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

/** The environment of a relay that speaks by this platform's bot. */
export type WorksEnvironment = typeof settings

/** What a bot said. */
export interface Said {
  /** `users/…` or `channels/…`, decoded. */
  to: string
  content: v.InferOutput<typeof Body>['content']
}

/** A request as it came. */
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

/** Opens a stand-in for NAVER WORKS: who gives out access tokens, and where a bot speaks. */
export async function openWorksPlatform({ now = Date.now }: { now?: () => number } = {}) {
  /** Until when each token is good, milliseconds since the epoch. */
  const tokens = new Map<string, number>()
  const messages: Said[] = []
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
    if (until === undefined) return unauthorized('No token that was given out')
    // No fault: how else would anyone notice?
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
      // A string, as the documents and the official samples have it.
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
    /** How many tokens were given out. */
    tokens: () => tokens.size,
    /** What was said, in order, and answered with 201. */
    messages,
    /** Every request that broke a rule, and which; a test asserts that there is none. */
    faults,
    /** No token that was given out is good any more. */
    expireTokens() {
      for (const token of tokens.keys()) tokens.set(token, 0)
    },
    /** The next messages are too many, until so many seconds from now. */
    throttle(count: number, resetSeconds: number) {
      prepare(count, { ...failure(429), headers: rateLimit(0, resetSeconds) })
    },
    /** The next messages get an error. */
    fail: (count: number, status: number) => prepare(count, failure(status)),
    /** The next messages never get an answer. */
    hang: (count: number) => prepare(count, 'hang'),
    /** The next requests for a token get a 500. */
    refuseTokens(count: number) {
      refusals += count
    },
    close,
  }
}

/** What is wrong with a request for a token, by RFC 6749 and RFC 7523. */
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
    return tokenError('invalid_request', `Not exactly ${FORM}`)
  }
  if (field('grant_type') !== GRANT) return tokenError('unsupported_grant_type', 'Another grant')
  const { WORKS_CLIENT_ID: issuer, WORKS_SERVICE_ACCOUNT: subject } = settings
  if (field('client_id') !== issuer || field('client_secret') !== settings.WORKS_CLIENT_SECRET) {
    return tokenError('invalid_client', 'Another client')
  }
  const scopes = field('scope').split(/[\s,]+/)
  if (!scopes.some((scope) => scope === 'bot' || scope === 'bot.message')) {
    return tokenError('invalid_scope', 'No scope to speak')
  }
  try {
    const rules = { algorithms: ['RS256'], issuer, subject, currentDate, maxTokenAge: HOUR }
    const { payload } = await jwtVerify(field('assertion'), publicKey, {
      ...rules,
      requiredClaims: ['exp'],
    })
    const { iat = 0, exp = Infinity } = payload
    if (exp - iat > HOUR) return tokenError('invalid_grant', 'Good for more than an hour')
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

/** What somebody wrote to a bot, or the data of a button that was clicked; by themselves unless in a channel. */
export type WorksEvent = { userId?: string; channelId?: string } & (
  | { text: string; postback?: string }
  | { data: string }
)

/** A callback as NAVER WORKS would send it. */
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

/** The same with any body, for what is neither text nor a click. */
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

import { sign } from 'hono/jwt'
import * as v from 'valibot'
import type { Clock } from '../../../shared/web/clock.ts'
import { HOUR_MS, MINUTE_MS } from '../../../shared/web/durations.ts'
import { parseJson } from '../../../shared/web/json.ts'
import type { Transport } from '../../../shared/web/transport.ts'

const ENDPOINT = new URL('https://auth.worksmobile.com/oauth2/v2.0/token')
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const SCOPE = 'bot.message'
const ASSERTION_SECONDS = 1_800
/** A token is renewed this long before it expires. */
const MARGIN_MS = MINUTE_MS
const TIMEOUT_MS = 4_000

/** The lifetime of a token whose answer has none: short, because an unneeded renewal costs little. */
const DEFAULT_LIFETIME_SECONDS = HOUR_MS / 1_000

/** The answer with a token; the lifetime is text in NAVER WORKS' own examples. */
const TokenAnswer = v.object({
  access_token: v.pipe(v.string(), v.nonEmpty()),
  expires_in: v.fallback(
    v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.integer(), v.minValue(1)),
    DEFAULT_LIFETIME_SECONDS,
  ),
})

/** An app's service account, which sends the messages of a bot. */
export interface ServiceAccount {
  clientId: string
  clientSecret: string
  serviceAccount: string
  /** Signs with RS256. */
  privateKey: CryptoKey
}

/** Returns an access token that is not the refused one. @throws an error if there is none */
export type AccessTokens = (refused?: string) => Promise<string>

interface CachedToken {
  token: Promise<string>
  /** The token, once it has arrived. */
  value?: string
  /** Milliseconds since the epoch. */
  until: number
}

/**
 * Opens the access tokens of a service account. A token is used until shortly before it expires. Concurrent callers share
 * one request for it. A failure is not cached. Source: https://developers.worksmobile.com/en/docs/auth-jwt
 */
export function accessTokens(
  { clientId, clientSecret, serviceAccount, privateKey }: ServiceAccount,
  transport: Transport,
  { now }: Clock,
): AccessTokens {
  let cached: CachedToken | undefined

  async function request() {
    const iat = Math.floor(now() / 1_000)
    const claims = { iss: clientId, sub: serviceAccount, iat, exp: iat + ASSERTION_SECONDS }
    const form = new URLSearchParams({
      assertion: await sign(claims, privateKey, 'RS256'),
      grant_type: GRANT,
      client_id: clientId,
      client_secret: clientSecret,
      scope: SCOPE,
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const outgoing = { method: 'POST' as const, url: ENDPOINT, headers, body: form.toString() }
    const { status, body } = await transport(outgoing, TIMEOUT_MS)
    const answer = v.safeParse(TokenAnswer, parseJson(new TextDecoder().decode(body)))
    if (status !== 200) throw tokenError(`token-${status}`)
    if (!answer.success) throw tokenError('token-unreadable')
    const { access_token: value, expires_in: seconds } = answer.output
    return { value, until: now() + seconds * 1_000 - MARGIN_MS }
  }

  function renew(): CachedToken {
    const requested = request()
    const entry: CachedToken = {
      token: requested.then(({ value }) => value),
      // A limit until the token arrives: a platform may cut off the request that asks for it.
      until: now() + TIMEOUT_MS,
    }
    requested.then(
      (token) => Object.assign(entry, token),
      () => {
        entry.until = 0
      },
    )
    return entry
  }

  return (refused) => {
    const isRefused = refused !== undefined && cached?.value === refused
    if (!cached || isRefused || now() >= cached.until) cached = renew()
    return cached.token
  }
}

function tokenError(code: string): Error {
  return Object.assign(new Error('There is no access token'), { code })
}

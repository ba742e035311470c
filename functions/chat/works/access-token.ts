import type { Clock } from '../../../shared/clock.ts'
import { base64Url } from '../../../shared/hmac.ts'
import type { Transport } from '../../../shared/transport.ts'

const ENDPOINT = new URL('https://auth.worksmobile.com/oauth2/v2.0/token')
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const SCOPE = 'bot.message'
const ASSERTION_SECONDS = 1_800
/** A token is not used so shortly before its end. */
const MARGIN_MS = 60_000
const TIMEOUT_MS = 4_000

const RS256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

const utf8 = new TextEncoder()

/** An app's service account, which speaks for a bot. */
export interface ServiceAccount {
  clientId: string
  clientSecret: string
  serviceAccount: string
  /** PKCS#8 in PEM. */
  privateKey: string
}

/** Gives an access token, another one than what was refused. @throws an error where none is to be had */
export type AccessTokens = (refused?: string) => Promise<string>

interface Held {
  token: Promise<string>
  /** Once it is there. */
  value?: string
  /** Milliseconds since the epoch. */
  until: number
}

/**
 * Access tokens of a service account: one is kept until its end, and asked for once though many want it. A failure is not
 * kept. Source: https://developers.worksmobile.com/en/docs/auth-jwt
 */
export function accessTokens(
  { clientId, clientSecret, serviceAccount, privateKey }: ServiceAccount,
  transport: Transport,
  { now }: Clock,
): AccessTokens {
  let held: Held | undefined

  async function ask() {
    const iat = Math.floor(now() / 1_000)
    const claims = { iss: clientId, sub: serviceAccount, iat, exp: iat + ASSERTION_SECONDS }
    const form = new URLSearchParams({
      assertion: await signedBy(privateKey, claims),
      grant_type: GRANT,
      client_id: clientId,
      client_secret: clientSecret,
      scope: SCOPE,
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const request = { method: 'POST' as const, url: ENDPOINT, headers, body: form.toString() }
    const { status, body } = await transport(request, TIMEOUT_MS)
    if (status !== 200) throw Object.assign(new Error('No token'), { code: `token-${status}` })
    const { access_token: value, expires_in: seconds } = JSON.parse(new TextDecoder().decode(body))
    return { value: String(value), until: now() + Number(seconds) * 1_000 - MARGIN_MS }
  }

  function renewed(): Held {
    const asked = ask()
    // Not for ever: where a platform cuts off the request that asks, this is never kept.
    const mine: Held = { token: asked.then(({ value }) => value), until: now() + TIMEOUT_MS }
    asked.then(
      (given) => Object.assign(mine, given),
      () => {
        mine.until = 0
      },
    )
    return mine
  }

  return (refused) => {
    const isRefused = refused !== undefined && held?.value === refused
    if (!held || isRefused || now() >= held.until) held = renewed()
    return held.token
  }
}

/**
 * A JSON Web Token by RS256 (RFC 7515, A.2). Not by `hono/jwt`: its other algorithms and its verifying cannot be left out, and
 * would cost a Worker a kilobyte.
 */
async function signedBy(privateKey: string, claims: object): Promise<string> {
  const text = [{ alg: 'RS256', typ: 'JWT' }, claims]
    .map((part) => base64Url(utf8.encode(JSON.stringify(part))))
    .join('.')
  const pkcs8 = atob(privateKey.replace(/-{5}[A-Z ]+-{5}|\s/g, ''))
  const der = Uint8Array.from(pkcs8, (character) => character.charCodeAt(0))
  const key = await crypto.subtle.importKey('pkcs8', der, RS256, false, ['sign'])
  const signature = await crypto.subtle.sign(RS256, key, utf8.encode(text))
  return `${text}.${base64Url(new Uint8Array(signature))}`
}

import type { Context } from 'hono'
import type { Caller, Keyring, Scope } from '../../shared/caller.ts'
import { Problem, type ProblemExtras } from '../../shared/problem.ts'

/**
 * Identifies the caller by `Authorization: Bearer KEY` or `X-API-Key: KEY`.
 * @throws Problem `unauthenticated`, with the same text for every cause, or `forbidden`
 */
export async function authenticate(
  c: Context,
  keyring: Keyring,
  scope: Scope,
  now: number,
): Promise<Caller> {
  const authorization = c.req.header('authorization')
  const apiKey = c.req.header('x-api-key')
  if (authorization !== undefined && apiKey !== undefined) {
    throw unauthenticated({ reason: 'two-keys' })
  }
  const key = apiKey ?? /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (!key) throw unauthenticated({ reason: 'no-key' })
  const check = await keyring(key, now)
  if ('refused' in check) throw unauthenticated({ reason: check.refused, keyId: check.id })
  if (!check.caller.scopes.includes(scope)) {
    throw new Problem('forbidden', `This API key lacks the scope ${scope}`)
  }
  return check.caller
}

function unauthenticated(extras: Pick<ProblemExtras, 'reason' | 'keyId'>): Problem {
  const detail = 'A valid API key is required: Authorization: Bearer KEY, or X-API-Key: KEY'
  return new Problem('unauthenticated', detail, extras)
}

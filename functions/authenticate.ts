import type { Context } from 'hono'
import type { Caller, Keyring, Scope } from '../shared/caller.ts'
import { Problem } from '../shared/problem.ts'

/**
 * Proves who calls, by `Authorization: Bearer KEY` or `X-API-Key: KEY`.
 * @throws Problem `unauthenticated`, in one wording whatever is wrong, or `forbidden`
 */
export async function authenticate(
  c: Context,
  keyring: Keyring,
  scope: Scope,
  now: number,
): Promise<Caller> {
  const key = presentedKey(c.req.header('authorization'), c.req.header('x-api-key'))
  const caller = key && (await keyring(key, now))
  if (!caller) throw new Problem('unauthenticated', 'One valid API key is needed')
  if (!caller.scopes.includes(scope)) {
    throw new Problem('forbidden', `The key lacks the scope ${scope}`)
  }
  return caller
}

function presentedKey(authorization: string | undefined, apiKey: string | undefined) {
  if (authorization === undefined) return apiKey
  return apiKey === undefined ? /^bearer +(\S+)$/i.exec(authorization)?.[1] : undefined
}

import type { Context } from 'hono'
import { Problem } from '../shared/problem.ts'
import { decodeUtf8, readBody } from '../shared/web/body.ts'
import { parseJson } from '../shared/web/json.ts'
import type { Env } from './request-log.ts'

const MAX_REQUEST_BYTES = 65_536

/**
 * Reads the body, counting its bytes as they arrive, until the deadline of the request.
 * @throws Problem `body-too-large`, `malformed-request`, `request-timeout`
 */
export async function bytesOf(c: Context<Env>): Promise<Uint8Array> {
  const { deadline, startedAt } = c.var
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(), Math.max(0, deadline - startedAt))
  const bytes = await readBody(c.req.raw.body, MAX_REQUEST_BYTES, limit.signal)
    .catch(() => {
      if (limit.signal.aborted) {
        throw new Problem('request-timeout', 'The body did not arrive in time')
      }
      return malformed('The body ended before it was complete')
    })
    .finally(() => clearTimeout(timer))
  if (!bytes)
    throw new Problem('body-too-large', `The body is longer than ${MAX_REQUEST_BYTES} bytes`)
  return bytes
}

/** Decodes a body. @throws Problem `malformed-request` if it is not UTF-8 */
export function bodyText(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? malformed('The body is not UTF-8')
}

/** Parses the text of a body. @throws Problem `malformed-request` if it is not JSON */
export function bodyJson(text: string): unknown {
  const value = parseJson(text)
  return value === undefined ? malformed('The body is not JSON') : value
}

/** Throws the problem of a request that cannot be read. @throws Problem `malformed-request` */
export function malformed(detail: string): never {
  throw new Problem('malformed-request', detail)
}

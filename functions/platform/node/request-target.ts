import type { IncomingMessage } from 'node:http'

/** The host of all URLs. The real one is a header that anybody can choose, and routes must not depend on it. */
const HOST = 'relay'

/**
 * Makes the URL of a request independent of its `Host`: only the request line decides. Returns the fault of a request
 * whose target or host cannot be used, for a handler that answers it; such a request gets the target `/`.
 */
export function normalizeTarget(incoming: IncomingMessage): string | undefined {
  const path = pathOf(incoming.url ?? '')
  const isWithoutHost = incoming.httpVersion === '1.1' && incoming.headers.host === undefined
  incoming.headers.host = HOST
  incoming.url = path ?? '/'
  if (path === undefined) return 'The request target is not a path'
  return isWithoutHost ? 'The Host header is missing' : undefined
}

/** Returns path and query of a request target (RFC 9112, section 3.2); `undefined` if it has none. */
function pathOf(target: string): string | undefined {
  const origin = /^https?:\/\/[^/?#]+/i.exec(target)?.[0] ?? ''
  const rest = target.slice(origin.length)
  const path = rest.startsWith('/') || origin === '' ? rest : `/${rest}`
  // URLs take a backslash for a slash, and end at a number sign.
  return /^\/[^\\?#]*(\?[^#]*)?$/.test(path) && URL.canParse(`http://${HOST}${path}`)
    ? path
    : undefined
}

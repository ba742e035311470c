import type { MiddlewareHandler } from 'hono'
import { malformed } from './body.ts'
import type { Env } from './request-log.ts'

/** `Host` (RFC 9110, section 7.2): a name or an address, and perhaps a port. */
const HOST = /^([\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(:\d{0,5})?$/i

/** Refuses a request whose host or URL cannot be used, before any handler parses its URL. @throws Problem `malformed-request` */
export const refuseMalformed: MiddlewareHandler<Env> = async (c, next) => {
  if (c.env.malformed !== undefined) malformed(c.env.malformed)
  const host = c.req.header('host')
  if (host !== undefined && !isHost(host)) malformed('The Host header is not a host')
  if (!URL.canParse(c.req.url)) malformed('The URL of the request cannot be parsed')
  await next()
}

function isHost(host: string): boolean {
  return HOST.test(host) && URL.canParse(`http://${host}/`)
}

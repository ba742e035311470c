import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import type { ProblemCode } from '../shared/problem.ts'

/** All work and waiting for one request end within this time. */
const REQUEST_LIMIT_MS = 25_000

/** What a platform knows about one invocation. */
export interface InvocationOptions {
  /** The platform's own id of the request, where it has one. */
  requestId?: string | undefined
  /** When the request arrived, if the platform had work to do first: milliseconds since the epoch. */
  startedAt?: number
  /** When the platform ends the invocation: milliseconds since the epoch. */
  deadline?: number
}

/** The types of Hono's context: what the platform passes in, and what the middleware sets. */
export interface Env {
  Bindings: InvocationOptions
  Variables: {
    requestId: string
    /** Milliseconds since the epoch. */
    startedAt: number
    /** All work and waiting end by then: milliseconds since the epoch. */
    deadline: number
    caller?: string
    code?: ProblemCode
    /** The cause of a 401, and the id of the key that was refused. */
    reason?: string
    keyId?: string
    imageNo?: string
    creationId?: string
  }
}

/** Gives every request an id and a deadline, and logs one line once it is answered. */
export function requestLog({ now }: Clock, log: Log): MiddlewareHandler<Env> {
  return async function requestLog(c, next) {
    const { startedAt = now(), deadline = Number.POSITIVE_INFINITY } = c.env
    const { requestId = crypto.randomUUID() } = c.env
    c.set('requestId', requestId)
    c.set('startedAt', startedAt)
    c.set('deadline', Math.min(deadline, startedAt + REQUEST_LIMIT_MS))
    await next()
    const { caller, code, reason, keyId, imageNo, creationId } = c.var
    log({
      event: 'request',
      requestId,
      ...(caller && { caller }),
      action: `${c.req.method} ${routePath(c, -1)}`,
      status: c.res.status,
      milliseconds: now() - startedAt,
      ...(imageNo && { imageNo }),
      ...(creationId && { creationId }),
      ...(code && { code }),
      ...(reason && { reason }),
      ...(keyId && { keyId }),
    })
  }
}

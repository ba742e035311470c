import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { Log } from '../shared/log.ts'
import type { ProblemCode } from '../shared/problem.ts'
import type { Clock } from '../shared/web/clock.ts'

/** The time limit for all work and waiting for one request. */
const REQUEST_LIMIT_MS = 25_000

/** The options of one invocation, set by the platform. */
export interface InvocationOptions {
  /** The platform's own id of the request, if it has one. */
  requestId?: string | undefined
  /** The arrival of the request, if the platform had work to do first: milliseconds since the epoch. */
  startedAt?: number
  /** The end of the invocation: milliseconds since the epoch. */
  deadline?: number
  /** The fault of a request of which the platform could not make a valid URL. */
  malformed?: string | undefined
}

/** The types of Hono's context: the options of the platform, and the variables that the middleware sets. */
export interface Env {
  Bindings: InvocationOptions
  Variables: {
    requestId: string
    /** Milliseconds since the epoch. */
    startedAt: number
    /** The deadline for all work and waiting: milliseconds since the epoch. */
    deadline: number
    caller?: string
    code?: ProblemCode
    /** The cause of a 401, and the id of the key that was refused. */
    reason?: string
    keyId?: string
    imageNo?: string
    operationId?: string
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
    const { caller, code, reason, keyId, imageNo, operationId } = c.var
    log({
      event: 'request',
      requestId,
      ...(caller && { caller }),
      action: `${c.req.method} ${routePath(c, -1)}`,
      status: c.res.status,
      milliseconds: now() - startedAt,
      ...(imageNo && { imageNo }),
      ...(operationId && { operationId }),
      ...(code && { code }),
      ...(reason && { reason }),
      ...(keyId && { keyId }),
    })
  }
}

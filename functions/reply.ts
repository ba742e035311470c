import type { Context } from 'hono'
import { Problem, problemMembers } from '../shared/problem.ts'
import { type HeaderMember, headerList } from '../shared/web/header-list.ts'
import { printable } from '../shared/web/printable.ts'
import { etagOf, isNamed } from './etag.ts'
import type { Env } from './request-log.ts'

const TEXT = 'text/plain; charset=utf-8'
const THROTTLED_RETRY_AFTER_SECONDS = 5

/** The answer of a handler. */
export interface Reply {
  status: 200 | 201 | 202
  /** No body at all if undefined. */
  body: unknown
  /** The answer as plain text, one line for each thing; without lines the answer is always JSON. */
  lines?: string[]
  headers?: Record<string, string>
  /** The seconds after which to ask again. */
  retryAfterSeconds?: number | undefined
  /** The operation that the answer is about, for the log. */
  operationId?: string
}

/** Throws unless the caller accepts JSON or plain text. @throws Problem `not-acceptable` */
export function mustBeAcceptable(c: Context): void {
  if (!preferredType(c)) {
    throw new Problem(
      'not-acceptable',
      'The Accept header must allow application/json or text/plain',
    )
  }
}

/** Returns the media type that the caller prefers (RFC 9110, 12.5.1); `undefined` if it accepts neither. */
function preferredType(c: Context): 'application/json' | 'text/plain' | undefined {
  const header = c.req.header('accept')
  if (!header) return 'application/json'
  const qualities = new Map(headerList(header.toLowerCase()).map(qualityOf))
  const quality = (type: string) =>
    qualities.get(type) ?? qualities.get(type.replace(/\/.*/, '/*')) ?? qualities.get('*/*') ?? 0
  if (quality('text/plain') > quality('application/json')) return 'text/plain'
  return quality('application/json') > 0 ? 'application/json' : undefined
}

function qualityOf({ value, parameters }: HeaderMember): [type: string, quality: number] {
  const weight = parameters.get('q')
  return [value, weight === undefined ? 1 : Number(weight) || 0]
}

/** Writes a success in the media type that the caller prefers. A read becomes 304 if the caller already has it. */
export function reply(c: Context<Env>, { status, body, lines, ...more }: Reply): Response {
  if (more.operationId) c.set('operationId', more.operationId)
  const isText = lines !== undefined && preferredType(c) === 'text/plain'
  const text = isText ? plainText(lines) : json(body)
  const headers: Record<string, string> = {
    ...commonHeaders(c, more.retryAfterSeconds),
    'cache-control': 'private, no-cache',
    ...more.headers,
  }
  if (c.req.method !== 'POST') {
    headers.etag = etagOf(text)
    if (isNamed(headers.etag, c.req.header('if-none-match'))) {
      return new Response(null, { status: 304, headers })
    }
  }
  if (body !== undefined) headers['content-type'] = isText ? TEXT : 'application/json'
  return new Response(text, { status, headers })
}

/** Writes a failure as a problem (RFC 9457). All failures are written here. */
export function replyProblem(c: Context<Env>, problem: Problem): Response {
  const { code, status, extras } = problem
  c.set('code', code)
  if (extras.reason) c.set('reason', extras.reason)
  if (extras.keyId) c.set('keyId', extras.keyId)
  if (extras.operationId) c.set('operationId', extras.operationId)
  const isText = preferredType(c) === 'text/plain'
  const isThrottled = code === 'upstream-throttled'
  const wait = extras.retryAfterSeconds ?? (isThrottled ? THROTTLED_RETRY_AFTER_SECONDS : undefined)
  const headers = {
    ...commonHeaders(c, wait),
    'cache-control': 'no-store',
    'content-type': isText ? TEXT : 'application/problem+json',
    ...(code === 'unauthenticated' && { 'www-authenticate': 'Bearer' }),
    ...(extras.allow && { allow: extras.allow.join(', ') }),
  }
  // A refused write had no effect. After a defect or a failure of the store this is not certain.
  const isCertain = code !== 'internal' && code !== 'store-unavailable'
  const isRefusedWrite = c.req.method === 'POST' && isCertain
  const members = {
    ...problemMembers(problem),
    ...(isRefusedWrite && { outcome: 'not-applied' }),
    requestId: c.var.requestId,
  }
  const text = isText ? plainText(problemLines(problem)) : json(members)
  return new Response(text, { status, headers })
}

function commonHeaders(c: Context<Env>, retryAfterSeconds: number | undefined) {
  return {
    'x-request-id': c.var.requestId,
    'x-content-type-options': 'nosniff',
    vary: 'Prefer, Accept',
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  }
}

/** Writes a problem for people: one line, and one for each field at fault. */
function problemLines({ title, message, extras }: Problem): string[] {
  const { errors = [] } = extras
  return errors.length > 0
    ? [title, ...errors.map(({ path, message }) => `${path} ${message}`.trim())]
    : [`${title}: ${message}`]
}

/** Joins lines. Each is made printable, because names and messages come from elsewhere. */
function plainText(lines: string[]): string {
  return lines.map((line) => `${printable(line)}\n`).join('')
}

function json(body: unknown): string {
  return body === undefined ? '' : `${JSON.stringify(body)}\n`
}

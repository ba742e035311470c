import type { Context } from 'hono'
import { printable } from '../shared/printable.ts'
import { Problem, type ProblemCode, problemMembers } from '../shared/problem.ts'
import { etagOf, isNamed } from './etag.ts'

const TEXT = 'text/plain; charset=utf-8'
const THROTTLED_RETRY_AFTER_SECONDS = 5

/** What is known of a request as it goes along; the log's last word on it. */
export interface Trace {
  requestId: string
  /** When it came: milliseconds since the epoch. */
  startedAt: number
  /** All work and waiting end by then: milliseconds since the epoch. */
  deadline: number
  route?: string
  caller?: string
  code?: ProblemCode
}

/** The trace travels with the request. */
export interface Env {
  Bindings: Trace
}

/** What a handler answers with. */
export interface Reply {
  status: 200 | 201 | 202
  /** Nothing at all where it is undefined. */
  body: unknown
  /** One line a thing, for people in a terminal; without them there is JSON alone. */
  lines?: string[]
  headers?: Record<string, string>
  /** When to ask again, where that makes sense. */
  retryAfterSeconds?: number | undefined
}

/** Refuses whoever can read no answer of ours. @throws Problem `not-acceptable` */
export function mustBeAcceptable(c: Context): void {
  if (!preferredType(c)) {
    throw new Problem('not-acceptable', 'Answers are application/json or text/plain')
  }
}

/** The media type that the caller likes best (RFC 9110, 12.5.1); `undefined` when it is neither of ours. */
function preferredType(c: Context): 'application/json' | 'text/plain' | undefined {
  const header = c.req.header('accept')
  if (!header) return 'application/json'
  const qualities = new Map(header.toLowerCase().split(',').map(qualityOf))
  const quality = (type: string) =>
    qualities.get(type) ?? qualities.get(type.replace(/\/.*/, '/*')) ?? qualities.get('*/*') ?? 0
  if (quality('text/plain') > quality('application/json')) return 'text/plain'
  return quality('application/json') > 0 ? 'application/json' : undefined
}

function qualityOf(range: string): [type: string, quality: number] {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))
  return [type, weight === undefined ? 1 : Number(weight.slice(2)) || 0]
}

/** A success, as the caller wants to read it; of a read, 304 where the caller has it already. */
export function reply(c: Context<Env>, { status, body, lines, ...more }: Reply): Response {
  const isText = lines !== undefined && preferredType(c) === 'text/plain'
  const text = isText ? plain(lines) : json(body)
  const headers: Record<string, string> = {
    ...common(c, more.retryAfterSeconds),
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

/** Any failure, as one problem (RFC 9457): the only place that renders one. */
export function replyProblem(c: Context<Env>, problem: Problem): Response {
  const { code, status, message, extras } = problem
  c.env.code = code
  const isText = preferredType(c) === 'text/plain'
  const isThrottled = code === 'upstream-throttled'
  const wait = extras.retryAfterSeconds ?? (isThrottled ? THROTTLED_RETRY_AFTER_SECONDS : undefined)
  const headers = {
    ...common(c, wait),
    'cache-control': 'no-store',
    'content-type': isText ? TEXT : 'application/problem+json',
    ...(code === 'unauthenticated' && { 'www-authenticate': 'Bearer' }),
    ...(extras.allow && { allow: extras.allow.join(', ') }),
  }
  // A write that is refused did not happen; of a defect nobody knows.
  const isRefusedWrite = c.req.method === 'POST' && code !== 'internal'
  const members = {
    ...problemMembers(code, message, extras),
    ...(isRefusedWrite && { outcome: 'not-applied' }),
    requestId: c.env.requestId,
  }
  return new Response(isText ? plain([`${code}: ${message}`]) : json(members), { status, headers })
}

function common(c: Context<Env>, retryAfterSeconds: number | undefined) {
  return {
    'x-request-id': c.env.requestId,
    vary: 'Prefer, Accept',
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  }
}

/** Names and messages come from elsewhere. */
function plain(lines: string[]): string {
  return lines.map((line) => `${printable(line)}\n`).join('')
}

function json(body: unknown): string {
  return body === undefined ? '' : `${JSON.stringify(body)}\n`
}

import type { Context } from 'hono'
import type * as v from 'valibot'
import { decodeUtf8, readBody } from '../shared/body.ts'
import { parse } from '../shared/parse.ts'
import { type FieldError, invalidInput, Problem } from '../shared/problem.ts'

const MAX_BODY_BYTES = 65_536
const MAX_WAIT_SECONDS = 20

/** A schema whose fields are known by name: path and query parameters need that. */
export type ParametersSchema = v.GenericSchema & { entries: Record<string, unknown> }

/**
 * Path and query parameters together, typed.
 * @throws Problem `malformed-request` for unknown or repeated query keys, `invalid-input` with every fault
 */
export function parametersOf<Schema extends ParametersSchema>(
  c: Context,
  schema: Schema,
): v.InferOutput<Schema> {
  const given: Record<string, string> = { ...c.req.param() }
  for (const [key, value] of new URL(c.req.url).searchParams) {
    if (!Object.hasOwn(schema.entries, key)) malformed('The query holds an unknown key')
    if (Object.hasOwn(given, key)) malformed('The query repeats a key')
    given[key] = value
  }
  return valid(parse(schema, given))
}

/**
 * The JSON body, typed. Where the schema is `v.optional`, its media type is not asked for, and of none it is `undefined`.
 * @throws Problem `unsupported-media-type`, `body-too-large`, `malformed-request`, `invalid-input` with every fault
 */
export async function bodyOf<Schema extends v.GenericSchema>(
  c: Context,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const isTyped = isJson(c.req.header('content-type')) && !c.req.header('content-encoding')
  const mayBeMissing = schema.type === 'optional'
  if (!isTyped && !mayBeMissing) {
    throw new Problem('unsupported-media-type', 'The body must be application/json in UTF-8')
  }
  const bytes = await bytesOf(c)
  if (mayBeMissing && bytes.length === 0) return undefined
  return valid(parse(schema, json(textOf(bytes))))
}

/** The body as it came. Bytes are counted as they arrive. @throws Problem `body-too-large`, `malformed-request` */
export async function bytesOf(c: Context): Promise<Uint8Array> {
  const bytes = await readBody(c.req.raw.body, MAX_BODY_BYTES).catch(() =>
    malformed('The body broke off'),
  )
  if (!bytes) throw new Problem('body-too-large', `The body is longer than ${MAX_BODY_BYTES} bytes`)
  return bytes
}

/** The text of a body. @throws Problem `malformed-request` where it is not UTF-8 */
export function textOf(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? malformed('The body is not UTF-8')
}

/**
 * The `Idempotency-Key`, bare or quoted as a structured-field string (RFC 9651); 1 to 255 visible ASCII characters.
 * @throws Problem `malformed-request`
 */
export function idempotencyKeyOf(c: Context): string | undefined {
  const header = c.req.header('idempotency-key')
  if (header === undefined) return undefined
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header)?.[1]
  const key = quoted?.replace(/\\(.)/g, '$1') ?? header
  const isBroken = header.startsWith('"') && quoted === undefined
  if (isBroken || !/^[!-~]{1,255}$/.test(key)) {
    malformed('Idempotency-Key must be 1 to 255 visible ASCII characters, bare or quoted')
  }
  return key
}

/** The seconds of `Prefer: wait=N` (RFC 7240), where N is 1 to 20; the first `wait` counts, all else is ignored. */
export function waitSecondsOf(c: Context): number | undefined {
  const header = c.req.header('prefer') ?? ''
  const wait = /(?:^|,)\s*wait\s*=\s*"?(\d{1,2})"?\s*(?=$|[,;])/i.exec(header)?.[1]
  const seconds = Number(wait ?? 0)
  return seconds >= 1 && seconds <= MAX_WAIT_SECONDS ? seconds : undefined
}

function valid<Value>(parsed: { value: Value } | { errors: FieldError[] }): Value {
  if ('value' in parsed) return parsed.value
  throw invalidInput(parsed.errors)
}

function isJson(contentType = ''): boolean {
  const [type, ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const charset = parameters.find((part) => part.startsWith('charset='))
  return type === 'application/json' && /^charset="?utf-8"?$/.test(charset ?? 'charset=utf-8')
}

/** What a text of JSON says. @throws Problem `malformed-request` */
export function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return malformed('The body is not JSON')
  }
}

/** @throws Problem `malformed-request`, always */
export function malformed(detail: string): never {
  throw new Problem('malformed-request', detail)
}

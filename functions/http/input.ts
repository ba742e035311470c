import type { Context } from 'hono'
import type * as v from 'valibot'
import type { ParametersSchema } from '../../shared/api/row.ts'
import type { RequestKey } from '../../shared/operations/request.ts'
import { parse } from '../../shared/parse.ts'
import { type FieldError, invalidInput, Problem } from '../../shared/problem.ts'
import { headerList } from '../../shared/web/header-list.ts'
import { quoteName } from '../../shared/web/printable.ts'
import { bodyJson, bodyText, bytesOf, malformed } from '../body.ts'

const MAX_WAIT_SECONDS = 20

/**
 * Parses path and query parameters together.
 * @throws Problem `malformed-request` for unknown or repeated query keys, `invalid-input` with every fault
 */
export function parametersOf<Schema extends ParametersSchema>(
  c: Context,
  schema: Schema,
): v.InferOutput<Schema> {
  const given: Record<string, string> = { ...c.req.param() }
  for (const [key, value] of new URL(c.req.url).searchParams) {
    if (!Object.hasOwn(schema.entries, key))
      malformed(`The query has an unknown key: ${quoteName(key)}`)
    if (Object.hasOwn(given, key)) malformed(`The query has the key ${quoteName(key)} twice`)
    given[key] = value
  }
  return valid(parse(schema, given))
}

/**
 * Parses the JSON body. With a schema of `v.optional` any media type is accepted, and an empty body is `undefined`.
 * @throws Problem `unsupported-media-type`, `body-too-large`, `malformed-request`, `invalid-input` with every fault
 */
export async function bodyOf<Schema extends v.GenericSchema>(
  c: Context,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const isTyped = isJson(c.req.header('content-type')) && !c.req.header('content-encoding')
  const mayBeMissing = schema.type === 'optional'
  if (!isTyped && !mayBeMissing) {
    throw new Problem(
      'unsupported-media-type',
      'The body must have the media type application/json in UTF-8, without content encoding',
    )
  }
  const bytes = await bytesOf(c)
  if (mayBeMissing && bytes.length === 0) return undefined
  const value = bodyJson(bodyText(bytes))
  // A schema would take a list for an object whose fields are missing.
  if (Array.isArray(value)) throw invalidInput([{ path: '', message: 'must be an object' }])
  return valid(parse(schema, value))
}

/**
 * Reads the `Idempotency-Key`: bare, or quoted as a structured-field string (RFC 9651), whose parameters are ignored; 1 to
 * 255 visible ASCII characters.
 * @throws Problem `malformed-request`
 */
export function idempotencyKeyOf(c: Context): RequestKey | undefined {
  const header = c.req.header('idempotency-key')
  if (header === undefined) return undefined
  const quoted = /^"((?:[^"\\]|\\["\\])*)"\s*(?:;.*)?$/.exec(header)?.[1]
  const key = quoted?.replace(/\\(.)/g, '$1') ?? header
  const isBroken = header.startsWith('"') && quoted === undefined
  if (isBroken || !/^[!-~]{1,255}$/.test(key)) {
    malformed('Idempotency-Key must be 1 to 255 visible ASCII characters, bare or quoted')
  }
  return { origin: 'idempotency-key', value: key }
}

/** Reads the seconds of `Prefer: wait=N` (RFC 7240), where N is 1 to 20. The first `wait` counts. */
export function waitSecondsOf(c: Context): number | undefined {
  const preferences = headerList(c.req.header('prefer') ?? '').map(({ value }) => value)
  const wait = preferences.find((preference) => /^wait\s*=/i.test(preference)) ?? ''
  const seconds = Number(/^wait\s*=\s*"?(\d{1,2})"?$/i.exec(wait)?.[1] ?? 0)
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

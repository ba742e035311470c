import * as v from 'valibot'
import type { FieldError } from './problem.ts'
import { quoteName } from './web/printable.ts'

/** The message for a value of the wrong type, by the type of the schema that refused it. */
const TYPE_MESSAGES: Record<string, string> = {
  string: 'must be a string',
  number: 'must be a number',
  boolean: 'must be true or false',
  array: 'must be a list',
  tuple_with_rest: 'must be a list',
  object: 'must be an object',
  strict_object: 'must be an object',
  loose_object: 'must be an object',
  record: 'must be an object',
}

/** A parsed value, or every error with its path and the broken rule. */
export type Parsed<Value> = { value: Value } | { errors: FieldError[] }

/**
 * Parses untrusted input. Messages name unknown fields but, unlike Valibot's own messages, never quote a value. The path
 * of an unknown field is its parent.
 */
export function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
): Parsed<v.InferOutput<Schema>> {
  return parsed(v.safeParse(schema, input, { message }))
}

/** Parses untrusted input as `parse` does, with a schema that has asynchronous checks. */
export async function parseAsync<Schema extends v.GenericSchemaAsync>(
  schema: Schema,
  input: unknown,
): Promise<Parsed<v.InferOutput<Schema>>> {
  return parsed(await v.safeParseAsync(schema, input, { message }))
}

function parsed<Value>(result: {
  success: boolean
  output: unknown
  issues: v.BaseIssue<unknown>[] | undefined
}): Parsed<Value> {
  if (!result.issues) return { value: result.output as Value }
  const errors = result.issues.map((issue) => ({ path: pathOf(issue), message: issue.message }))
  // A value can break one rule in two ways: 5 is neither at least 10 nor a multiple of 10.
  return { errors: errors.filter((error, index) => index === errors.findIndex(isSame(error))) }
}

/** Returns the message for a schema that has none of its own. */
function message(issue: v.BaseIssue<unknown>): string {
  if (isUnknownField(issue)) return `has an unknown field: ${quoteName(String(lastKey(issue)))}`
  if (issue.received === 'undefined' || isMissingField(issue)) return 'is required'
  return TYPE_MESSAGES[issue.type] ?? 'is not valid'
}

/** Joins the keys of an issue's path, without a key that is itself invalid: that key is submitted text. */
function pathOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map(({ key }) => String(key)) ?? []
  return (isKeyAtFault(issue) && !isMissingField(issue) ? keys.slice(0, -1) : keys).join('.')
}

function isMissingField(issue: v.BaseIssue<unknown>): boolean {
  return isKeyAtFault(issue) && issue.type.endsWith('object') && issue.expected !== 'never'
}

function isUnknownField(issue: v.BaseIssue<unknown>): boolean {
  return isKeyAtFault(issue) && issue.type.endsWith('object') && issue.expected === 'never'
}

function isKeyAtFault({ path }: v.BaseIssue<unknown>): boolean {
  return path?.at(-1)?.origin === 'key'
}

function lastKey({ path }: v.BaseIssue<unknown>): unknown {
  return path?.at(-1)?.key
}

function isSame(error: FieldError) {
  return (other: FieldError) => other.path === error.path && other.message === error.message
}

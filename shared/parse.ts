import * as v from 'valibot'
import type { FieldError } from './problem.ts'

/** What a value must be, by the schema that refused its type. */
const TYPES: Record<string, string> = {
  string: 'must be a string',
  number: 'must be a number',
  boolean: 'must be true or false',
  array: 'must be a list',
  tuple_with_rest: 'must be a list',
  object: 'must be an object',
  strict_object: 'must be an object',
  loose_object: 'must be an object',
}

/**
 * Parses what strangers gave: the typed value, or every fault with its path and rule. No fault quotes a value, as
 * Valibot's own wording does; an unknown field is told by its parent, because its name is a submitted value too.
 */
export function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
): { value: v.InferOutput<Schema> } | { errors: FieldError[] } {
  const { success, output, issues } = v.safeParse(schema, input, { message })
  if (success) return { value: output }
  const errors = issues.map((issue) => ({ path: pathOf(issue), message: issue.message }))
  // One value may break one rule in two ways, as 5 is neither at least 10 nor a multiple of 10.
  return { errors: errors.filter((error, index) => index === errors.findIndex(same(error))) }
}

/** The wording where a schema brings none of its own. */
function message(issue: v.BaseIssue<unknown>): string {
  if (isUnknownField(issue)) return 'has an unknown field'
  if (isMissingField(issue)) return 'is required'
  return TYPES[issue.type] ?? 'is not valid'
}

function pathOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map(({ key }) => String(key)) ?? []
  return (isUnknownField(issue) ? keys.slice(0, -1) : keys).join('.')
}

function isMissingField({ type, path }: v.BaseIssue<unknown>): boolean {
  return type.endsWith('object') && path?.at(-1)?.origin === 'key'
}

function isUnknownField(issue: v.BaseIssue<unknown>): boolean {
  return isMissingField(issue) && issue.expected === 'never'
}

function same(error: FieldError) {
  return (other: FieldError) => other.path === error.path && other.message === error.message
}

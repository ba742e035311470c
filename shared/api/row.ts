import type * as v from 'valibot'
import type { Scope } from '../caller.ts'
import type { ProblemCode } from '../problem.ts'
import type { RequestContext } from './request-context.ts'

/** The problems of reading from NAVER Cloud. */
export const UPSTREAM_PROBLEMS = [
  'upstream-refused',
  'upstream-throttled',
  'upstream-credentials',
  'upstream-permission',
  'upstream-error',
  'upstream-malformed',
  'upstream-unreachable',
  'upstream-timeout',
] as const satisfies ProblemCode[]

/** A strict schema of named texts, such as the number of an image. */
export type ParametersSchema = v.GenericSchema & { entries: Record<string, unknown> }

/** The parsed input of a row: its parameters, and its body if it has one. */
export type RowInput<
  Parameters extends ParametersSchema,
  Body extends v.GenericSchema | undefined,
> = v.InferOutput<Parameters> &
  (Body extends v.GenericSchema ? { body: v.InferOutput<Body> } : unknown)

/** One thing that can be asked of the relay. Every front end only translates it. */
export interface Row<
  Parameters extends ParametersSchema = ParametersSchema,
  Body extends v.GenericSchema | undefined = v.GenericSchema | undefined,
  Result = unknown,
  Output extends v.GenericSchema = v.GenericSchema,
> {
  /** A verb and a noun, such as `getImage`. */
  name: string
  /** The permission that the caller needs. */
  scope: Scope
  /** The purpose in one sentence, without a final period. */
  summary: string
  parameters: Parameters
  /** The schema of the content of a change. */
  body?: Body
  /** The schema of the result as callers see it. */
  output: Output
  /** The problems of this row, besides those that every row can have. */
  problems: readonly ProblemCode[]
  /** Answers with the relay's own result. */
  run(input: RowInput<Parameters, Body>, context: RequestContext): Promise<Result>
  /** Returns the result of `run` as callers see it. */
  view(result: Result): v.InferOutput<Output>
}

/** Declares a row, so that the types of its parts agree. */
export function defineRow<
  Parameters extends ParametersSchema,
  Result,
  Output extends v.GenericSchema,
  Body extends v.GenericSchema | undefined = undefined,
>(row: Row<Parameters, Body, Result, Output>): Row<Parameters, Body, Result, Output> {
  return row
}

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

/** A strict schema of named texts. */
export type ParametersSchema = v.GenericSchema & { entries: Record<string, unknown> }

/** The description of one thing that can be asked of the relay. */
export interface RowDescription {
  /** A verb and a noun, such as `getImage`. */
  name: string
  /** The permission that the caller needs. */
  scope: Scope
  /** The purpose in one sentence, without a final period. */
  summary: string
  /** The schema of the named texts of a request, such as the number of an image. */
  parameters: ParametersSchema
  /** The schema of the content of a change; missing if the row takes none. */
  body?: v.GenericSchema
  /** The schema of the result as callers see it. */
  output: v.GenericSchema
  /** The problems of this row, besides those that every row can have. */
  problems: readonly ProblemCode[]
}

interface RowParts<Parameters extends ParametersSchema, Result, Output extends v.GenericSchema>
  extends RowDescription {
  parameters: Parameters
  output: Output
  /** Returns the result of `run` as callers see it. */
  view(result: Result): v.InferOutput<Output>
}

/** A row without a body. */
export interface Row<
  Parameters extends ParametersSchema,
  Result,
  Output extends v.GenericSchema = v.GenericSchema,
> extends RowParts<Parameters, Result, Output> {
  body?: never
  /** Answers with the relay's own result. `parameters` are parsed. */
  run(parameters: v.InferOutput<Parameters>, context: RequestContext): Promise<Result>
}

/** A row with a body. */
export interface RowWithBody<
  Parameters extends ParametersSchema,
  Body extends v.GenericSchema,
  Result,
  Output extends v.GenericSchema = v.GenericSchema,
> extends RowParts<Parameters, Result, Output> {
  body: Body
  /** Answers with the relay's own result. `parameters` and `body` are parsed. */
  run(
    parameters: v.InferOutput<Parameters>,
    body: v.InferOutput<Body>,
    context: RequestContext,
  ): Promise<Result>
}

/** Declares a row without a body. Keeps the type of `run`, which may have overloads. */
export function defineRow<
  Parameters extends ParametersSchema,
  Output extends v.GenericSchema,
  Run extends Row<Parameters, unknown>['run'],
>(row: RowParts<Parameters, Awaited<ReturnType<Run>>, Output> & { body?: never; run: Run }) {
  return row
}

/** Declares a row with a body. Keeps the type of `run`, which may have overloads. */
export function defineRowWithBody<
  Parameters extends ParametersSchema,
  Body extends v.GenericSchema,
  Output extends v.GenericSchema,
  Run extends RowWithBody<Parameters, Body, unknown>['run'],
>(row: RowParts<Parameters, Awaited<ReturnType<Run>>, Output> & { body: Body; run: Run }) {
  return row
}

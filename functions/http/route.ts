import type { Context as HonoContext } from 'hono'
import * as v from 'valibot'
import type { ParametersSchema, Row, RowInput } from '../../shared/api/row.ts'
import type { Reply } from '../reply.ts'
import type { Env } from '../request-log.ts'
import { bodyOf, parametersOf } from './input.ts'
import { type HttpContext, type Wait, waitFor } from './wait.ts'

/** A route: its row, and a handler that answers with the row's result. */
export interface Route {
  method: 'GET' | 'POST'
  path: string
  row: Pick<Row, 'name' | 'scope' | 'summary' | 'parameters' | 'output' | 'problems'>
  /** The schema of the body; missing if the method has none. */
  body?: v.GenericSchema
  /** True if a caller can wait for the end of the result. */
  waits: boolean
  /** The schemas of the bodies of successes, by status. */
  successes: Record<number, v.GenericSchema>
  answer(c: HonoContext<Env>, context: HttpContext): Promise<Reply>
}

/** The HTTP side of a row's result. */
export interface Answering<Result> {
  /** Returns the answer to a result, except the body. */
  reply(result: Result, context: HttpContext): Omit<Reply, 'body'>
  /** The end that a caller can wait for; without one, the preference to wait is ignored. */
  wait?: Wait<Result>
  /** The schemas of the bodies of successes other than 200, by status. */
  successes?: Record<number, v.GenericSchema>
}

/** A body without content: none, or an empty object. */
const NoBody = v.optional(v.strictObject({}))

/** Declares the route of a row. */
export function route<
  Parameters extends ParametersSchema,
  Body extends v.GenericSchema | undefined,
  Result,
>(
  method: 'GET' | 'POST',
  path: string,
  row: Row<Parameters, Body, Result>,
  { reply, wait, successes }: Answering<Result>,
): Route {
  const body = method === 'POST' ? (row.body ?? NoBody) : undefined
  return {
    method,
    path,
    row,
    ...(body && { body }),
    waits: wait !== undefined,
    successes: { 200: row.output, ...successes },
    async answer(c, context) {
      const parameters = parametersOf(c, row.parameters)
      const input = { ...(parameters as object), ...(body && { body: await bodyOf(c, body) }) }
      const first = await row.run(input as RowInput<Parameters, Body>, context)
      const result = wait ? await waitFor(first, wait, context) : first
      return { ...reply(result, context), body: row.view(result) }
    },
  }
}

import type { Context as HonoContext } from 'hono'
import * as v from 'valibot'
import type { ParametersSchema, Row, RowDescription, RowWithBody } from '../../shared/api/row.ts'
import type { Reply } from '../reply.ts'
import type { Env } from '../request-log.ts'
import { bodyOf, parametersOf } from './input.ts'
import { type HttpContext, type Wait, waitFor } from './wait.ts'

/** A route: its row, and a handler that answers with the row's result. */
export interface Route {
  method: 'GET' | 'POST'
  path: string
  row: RowDescription
  /** The schema of the body; missing if the method has none. */
  body?: v.GenericSchema
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

/** Declares the route of a row without a body. */
export function route<Parameters extends ParametersSchema, Result>(
  method: 'GET' | 'POST',
  path: string,
  row: Row<Parameters, Result>,
  answering: Answering<Result>,
): Route {
  const body = method === 'POST' ? NoBody : undefined
  const successes = { 200: row.output, ...answering.successes }
  async function answer(c: HonoContext<Env>, context: HttpContext): Promise<Reply> {
    const parameters = parametersOf(c, row.parameters)
    if (body) await bodyOf(c, body)
    const result = await row.run(parameters, context)
    return replyTo(result, row, answering, context)
  }
  return { method, path, row, ...(body && { body }), successes, answer }
}

/** Declares the route of a row with a body. */
export function routeWithBody<
  Parameters extends ParametersSchema,
  Body extends v.GenericSchema,
  Result,
>(
  method: 'POST',
  path: string,
  row: RowWithBody<Parameters, Body, Result>,
  answering: Answering<Result>,
): Route {
  const successes = { 200: row.output, ...answering.successes }
  async function answer(c: HonoContext<Env>, context: HttpContext): Promise<Reply> {
    const parameters = parametersOf(c, row.parameters)
    const result = await row.run(parameters, await bodyOf(c, row.body), context)
    return replyTo(result, row, answering, context)
  }
  return { method, path, row, body: row.body, successes, answer }
}

/** Waits for the end of a result if the caller prefers that, and returns the answer. */
async function replyTo<Result>(
  first: Result,
  { view }: Pick<Row<ParametersSchema, Result>, 'view'>,
  { reply, wait }: Answering<Result>,
  context: HttpContext,
): Promise<Reply> {
  const result = wait ? await waitFor(first, wait, context) : first
  return { ...reply(result, context), body: view(result) }
}

import type { Context as HonoContext } from 'hono'
import type * as v from 'valibot'
import type { RequestContext } from '../../shared/api/request-context.ts'
import type { Scope } from '../../shared/caller.ts'
import type { Reply } from '../reply.ts'
import type { Env } from '../request-log.ts'
import { bodyOf, type ParametersSchema, parametersOf } from './input.ts'

/** A route: the scope that it requires, its schemas, and its handler. */
export interface Route {
  method: 'GET' | 'POST'
  path: string
  scope: Scope
  parameters: ParametersSchema
  body?: v.GenericSchema
  answer(c: HonoContext<Env>, context: RequestContext): Promise<Reply>
}

/** Declares a route that reads. `handle` gets parsed parameters. */
export function getRoute<Parameters extends ParametersSchema>(
  path: string,
  scope: Scope,
  parameters: Parameters,
  handle: (parameters: v.InferOutput<Parameters>, context: RequestContext) => Promise<Reply>,
): Route {
  return {
    method: 'GET',
    path,
    scope,
    parameters,
    answer: async (c, context) => handle(parametersOf(c, parameters), context),
  }
}

/** Declares a route that writes. `handle` gets parsed parameters and the parsed body. */
export function postRoute<Parameters extends ParametersSchema, Body extends v.GenericSchema>(
  path: string,
  scope: Scope,
  parameters: Parameters,
  body: Body,
  handle: (
    parameters: v.InferOutput<Parameters>,
    body: v.InferOutput<Body>,
    context: RequestContext,
  ) => Promise<Reply>,
): Route {
  return {
    method: 'POST',
    path,
    scope,
    parameters,
    body,
    answer: async (c, context) =>
      handle(parametersOf(c, parameters), await bodyOf(c, body), context),
  }
}

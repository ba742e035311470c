import type { Context } from 'hono'
import type * as v from 'valibot'
import type { Scope } from '../shared/caller.ts'
import type { Call } from './call.ts'
import type { Env, Reply } from './reply.ts'
import { bodyOf, type ParametersSchema, parametersOf } from './validate.ts'

/** A route: who may ask, by which schemas, and what answers once the input is parsed. */
export interface Route {
  method: 'GET' | 'POST'
  path: string
  scope: Scope
  parameters: ParametersSchema
  body?: v.GenericSchema
  answer(c: Context<Env>, call: Call): Promise<Reply>
}

/** A route that reads; `handle` sees parsed parameters. */
export function get<Parameters extends ParametersSchema>(
  path: string,
  scope: Scope,
  parameters: Parameters,
  handle: (parameters: v.InferOutput<Parameters>, call: Call) => Promise<Reply>,
): Route {
  return {
    method: 'GET',
    path,
    scope,
    parameters,
    answer: async (c, call) => handle(parametersOf(c, parameters), call),
  }
}

/** A route that writes; `handle` sees parsed parameters and a parsed body. */
export function post<Parameters extends ParametersSchema, Body extends v.GenericSchema>(
  path: string,
  scope: Scope,
  parameters: Parameters,
  body: Body,
  handle: (
    parameters: v.InferOutput<Parameters>,
    call: Call,
    body: v.InferOutput<Body>,
  ) => Promise<Reply>,
): Route {
  return {
    method: 'POST',
    path,
    scope,
    parameters,
    body,
    answer: async (c, call) => handle(parametersOf(c, parameters), call, await bodyOf(c, body)),
  }
}

import type * as v from 'valibot'

/** The facts about an answer, except its rows. */
export interface ResponseMeta {
  action: string
  regionCode: string
  requestId: string | null
  /** The earliest possible time on the gateway's clock when it answered: milliseconds since the epoch. */
  gatewayTime: number
}

/** The parameters of a call, without nesting. Those with the value `undefined` are not sent. */
export type Parameters = Record<string, string | number | boolean | undefined>

/** The request of an NCP action. */
export interface ActionRequest<Input> {
  /** NCP's name of the action: the last segment of the path. */
  name: string
  /** Reads are GET. Writes are POST, because some runtimes resend a GET by themselves. */
  method: 'GET' | 'POST'
  /** Returns the action's own parameters, without `regionCode` and `responseFormatType`. */
  parameters(input: Input): Parameters
}

/** An NCP action: its request, and the reading of its answer. */
export interface Action<Input, Output, View> extends ActionRequest<Input> {
  /** The schema of the fields that are read. It allows other fields, so that a new field breaks nothing. */
  output: v.GenericSchema<unknown, Output>
  /** Returns the answer in the relay's own shape. */
  view(output: Output, meta: ResponseMeta): View
}

/** Declares an action, so that the types of its parts agree. */
export function defineAction<Input, Output, View>(
  action: Action<Input, Output, View>,
): Action<Input, Output, View> {
  return action
}

/** Writes a list as the API expects it: `name.1`, `name.2` … */
export function numbered(name: string, values: readonly string[] = []): Parameters {
  return Object.fromEntries(values.map((value, index) => [`${name}.${index + 1}`, value]))
}

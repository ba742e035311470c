import type * as v from 'valibot'

/** What an answer says about itself, beside its rows. */
export interface About {
  action: string
  regionCode: string
  requestId: string | null
  /** The gateway's clock when it answered, at the least: milliseconds since the epoch. */
  gatewayTime: number
}

/** Parameters as they are sent, flat; what is `undefined` is left out. */
export type Parameters = Record<string, string | number | boolean | undefined>

/** How a call of the Server API is asked. */
export interface Asked<Input> {
  /** NCP's name of it: the last segment of the path. */
  name: string
  /** Reads are GET; a write is POST, because runtimes resend a GET by themselves. */
  method: 'GET' | 'POST'
  /** The action's own parameters, without `regionCode` and `responseFormatType`. */
  parameters(input: Input): Parameters
}

/** What the relay knows of one call of the Server API: how it is asked and how its answer is read. */
export interface Action<Input, Output, View> extends Asked<Input> {
  /** What of the answer is read: loose, so that a new field breaks nothing. */
  output: v.GenericSchema<unknown, Output>
  /** The answer as the relay shows it. */
  view(output: Output, about: About): View
}

/** Declares an action, so that its parts agree in their types. */
export function defineAction<Input, Output, View>(
  action: Action<Input, Output, View>,
): Action<Input, Output, View> {
  return action
}

/** A list as the API takes it: `name.1`, `name.2` … */
export function numbered(name: string, values: readonly string[] = []): Parameters {
  return Object.fromEntries(values.map((value, index) => [`${name}.${index + 1}`, value]))
}

import * as v from 'valibot'

/** Returns a schema for one of these texts; its message lists them. */
export function oneOf<const Options extends readonly string[]>(options: Options) {
  return v.picklist(options, `must be one of ${options.join(', ')}`)
}

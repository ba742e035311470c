import * as v from 'valibot'

/** One of these texts; a fault tells them. */
export function oneOf<const Options extends readonly string[]>(options: Options) {
  return v.picklist(options, `must be one of ${options.join(', ')}`)
}

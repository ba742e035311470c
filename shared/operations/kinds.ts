import * as v from 'valibot'
import { createImage } from './create-image/kind.ts'
import type { Kind } from './kind.ts'
import type { Operation } from './operation.ts'

/** All kinds of operations, one row for each. */
export const KINDS: Kind<unknown>[] = [createImage]

/** Returns the kind of an operation. Throws if its stored input does not have the shape of its kind. */
export function kindOf({ kind: name, input }: Operation): Kind<unknown> {
  const kind = KINDS.find((one) => one.name === name)
  if (!kind) throw new Error('The operation is of an unknown kind')
  if (!v.is(kind.input, input)) throw new Error('The input of the operation is unreadable')
  return kind
}

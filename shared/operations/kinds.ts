import { createImage } from './create-image/kind.ts'
import type { Kind } from './kind.ts'
import type { Operation } from './operation.ts'

/** All kinds of operations, one row for each. */
export const KINDS: Kind<unknown>[] = [createImage]

/** Returns the kind of an operation. */
export function kindOf({ kind: name }: Pick<Operation, 'kind'>): Kind<unknown> {
  const kind = KINDS.find((one) => one.name === name)
  if (!kind) throw new Error('The operation is of an unknown kind')
  return kind
}

import type { Context } from '../context.ts'
import { isAbout } from '../ncloud/identity.ts'
import { invalidInput, Problem } from '../problem.ts'
import { kindOf } from './kinds.ts'
import type { Operation } from './operation.ts'
import { save } from './save.ts'
import { apply, markNotApplied } from './transitions.ts'

/** A person's decision on a conflict: the number of the image, or none. */
export type Resolution = { imageNo: string } | { abandon: true }

/**
 * Settles a conflict by a person's decision.
 * @throws Problem `not-in-conflict`; `invalid-input` if the image has another name; `image-not-found`, `upstream-…`
 */
export async function settle(
  operation: Operation,
  resolution: Resolution,
  context: Context,
): Promise<Operation> {
  if (operation.state !== 'conflict') {
    const detail = 'This operation is not in conflict, so there is nothing to settle'
    throw new Problem('not-in-conflict', detail)
  }
  if ('abandon' in resolution) {
    const abandoned = markNotApplied(operation, 'resolved', context)
    return (await save(operation, abandoned, context)).operation
  }
  const result = await kindOf(operation).read(operation, resolution.imageNo, context)
  if (!isAbout(result, { name: operation.name })) {
    throw invalidInput([
      { path: 'imageNo', message: 'must be an image with the name of the operation' },
    ])
  }
  const settled = apply(operation, result, context, 'resolved')
  return (await save(operation, settled, context)).operation
}

import * as v from 'valibot'
import type { ImageContent } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import { RegionCode } from '../ncloud/values.ts'
import {
  type CheckedCreate,
  DryRun,
  dryRun,
  dryRunView,
} from '../operations/create-image/dry-run.ts'
import { imageFields } from '../operations/create-image/input.ts'
import { createImage as kind } from '../operations/create-image/kind.ts'
import { OperationView, operationView } from '../operations/view.ts'
import { TargetNames } from '../outbox/webhooks.ts'
import { invalidInput } from '../problem.ts'
import type { RequestContext } from './request-context.ts'
import { defineRow } from './row.ts'
import { START_PROBLEMS, type StartedOperation, startFor } from './start.ts'

/** The content of a create: the image, and the targets that are notified. */
interface CreateBody extends ImageContent {
  regionCode?: string | undefined
  notify?: string[] | undefined
}

/** Creates an image; with `dryRun` only checks the request. */
export const createImage = defineRow({
  name: 'createImage',
  scope: 'images:create',
  summary: 'Create an image from snapshots; with dryRun, only check the request',
  parameters: v.strictObject({
    dryRun: v.optional(v.picklist(['true', 'false'], 'must be true or false')),
  }),
  body: v.strictObject({
    ...imageFields,
    regionCode: v.optional(RegionCode),
    notify: v.optional(TargetNames),
  }),
  output: v.union([OperationView, DryRun]),
  problems: START_PROBLEMS,
  run: ({ dryRun, body }, context): Promise<StartedOperation | CheckedCreate> =>
    dryRun === 'true' ? checkCreate(body, context) : startCreate(body, context),
  view: (result) => ('operation' in result ? operationView(result.operation) : dryRunView(result)),
})

/** Starts the creation of an image. */
export async function startCreate(
  body: CreateBody,
  context: RequestContext,
): Promise<StartedOperation> {
  return startFor(requestFor(body, context), context)
}

/** Checks a create without sending anything that costs money. */
export async function checkCreate(
  body: CreateBody,
  context: RequestContext,
): Promise<CheckedCreate> {
  const { caller, key } = context
  return dryRun({ ...requestFor(body, context), caller, key }, context)
}

function requestFor({ regionCode, notify = [], ...input }: CreateBody, context: RequestContext) {
  mustBeTargets(notify, context)
  return { kind, input, regionCode: regionCode ?? context.regionCode, notify }
}

/** Throws unless every name is a target. Without any targets names are only stored. @throws Problem `invalid-input` */
function mustBeTargets(notify: string[], { notifyTargets: targets }: RequestContext): void {
  const errors = notify.flatMap((name, index) =>
    targets.length === 0 || targets.includes(name)
      ? []
      : [{ path: `notify.${index}`, message: 'must be the name of a target of the relay' }],
  )
  if (errors.length > 0) throw invalidInput(errors)
}

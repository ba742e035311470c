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
import type { Operation } from '../operations/operation.ts'
import type { OperationRequest } from '../operations/request.ts'
import { startOperation } from '../operations/start.ts'
import { OperationView, operationView } from '../operations/view.ts'
import { TargetNames } from '../outbox/webhooks.ts'
import { invalidInput } from '../problem.ts'
import type { RequestContext } from './request-context.ts'
import { defineRowWithBody, UPSTREAM_PROBLEMS } from './row.ts'

/** An operation that was created, or found because the request is a repeat. */
export interface StartedOperation {
  operation: Operation
  isReplay: boolean
}

/** The problems of everything that creates an operation. */
export const CREATE_PROBLEMS = [
  'name-taken',
  'invalid-input',
  'idempotency-key-reused',
  'quota-exceeded',
  ...UPSTREAM_PROBLEMS,
] as const

/** The content of a create: the image, and the targets that are notified. */
interface CreateBody extends ImageContent {
  regionCode?: string | undefined
  notify?: string[] | undefined
}

/** Creates an image; with `dryRun` only checks the request. */
export const createImage = defineRowWithBody({
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
  problems: CREATE_PROBLEMS,
  run: createOrCheck,
  view: (result) => ('operation' in result ? operationView(result.operation) : dryRunView(result)),
})

async function createOrCheck(
  parameters: { dryRun: 'true' },
  body: CreateBody,
  context: RequestContext,
): Promise<CheckedCreate>
async function createOrCheck(
  parameters: { dryRun?: 'false' },
  body: CreateBody,
  context: RequestContext,
): Promise<StartedOperation>
async function createOrCheck(
  parameters: { dryRun?: 'true' | 'false' | undefined },
  body: CreateBody,
  context: RequestContext,
): Promise<StartedOperation | CheckedCreate>
async function createOrCheck(
  parameters: { dryRun?: 'true' | 'false' | undefined },
  { regionCode, notify = [], ...input }: CreateBody,
  context: RequestContext,
) {
  mustBeTargets(notify, context)
  const request = { kind, input, regionCode: regionCode ?? context.regionCode, notify }
  if (parameters.dryRun !== 'true') return startFor(request, context)
  return dryRun({ ...request, caller: context.caller, key: context.key }, context)
}

/** Starts an operation for the caller, with the preferences of the request. */
export function startFor<Input>(
  request: Omit<OperationRequest<Input>, 'caller' | 'key' | 'replyTo'>,
  context: RequestContext,
): Promise<StartedOperation> {
  const { caller, key, replyTo } = context
  return startOperation({ ...request, caller, key, replyTo }, context)
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

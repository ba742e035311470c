import * as v from 'valibot'
import type { Context } from '../../context.ts'
import { isLost } from '../../image.ts'
import {
  createServerImageFromSnapshot,
  type ImageContent,
  type ImageStorage,
} from '../../ncloud/actions/create-server-image-from-snapshot.ts'
import { actionPath, sentParameters } from '../../ncloud/gateway.ts'
import { ownImages, snapshots } from '../../ncloud/reads.ts'
import { checkMessage } from '../../outbox/messages.ts'
import { WORDINGS } from '../../outbox/wording/all.ts'
import type { NameHolder } from '../../problem.ts'
import type { Snapshot } from '../../snapshot.ts'
import { rfc3339 } from '../../web/rfc3339.ts'
import { mayRead, statusOf } from '../operation.ts'
import { newClaim, type OperationRequest } from '../request.ts'
import { type Check, checkSnapshot } from './check.ts'
import type { CreateImageInput } from './content.ts'
import { imageNameHold } from './holds.ts'

/** A check as callers see it; `message` states the result. */
const CheckView = v.object({
  path: v.string(),
  code: v.string(),
  ok: v.boolean(),
  message: v.string(),
})

/** The request that a create would send, and the checks of its requirements. */
export const DryRun = v.object({
  ok: v.boolean(),
  request: v.object({
    method: v.string(),
    path: v.string(),
    parameters: v.record(v.string(), v.string()),
  }),
  checks: v.array(CheckView),
})

/** A create whose snapshots are all known. */
interface CheckedRequest extends OperationRequest<CreateImageInput> {
  input: ImageContent
}

/** The result of checking a create: the request to NAVER Cloud, the checks, and the size of each storage. */
export interface CheckedCreate {
  request: v.InferOutput<typeof DryRun>['request']
  checks: Check[]
  /** GB of 2³⁰ bytes, null where unknown. */
  sizes: (number | null)[]
}

/**
 * Checks a create with reads only, without a claim or a write.
 * @throws Problem `forbidden`, or `upstream-…` of a read
 */
export async function dryRun(request: CheckedRequest, context: Context): Promise<CheckedCreate> {
  const { input, regionCode } = request
  const { marker } = await newClaim(request, context)
  const { checks, sizes } = await check(request, context)
  const { method } = createServerImageFromSnapshot
  const sent = { ...input, marker, regionCode }
  return {
    request: {
      method,
      path: actionPath(createServerImageFromSnapshot),
      parameters: sentParameters(createServerImageFromSnapshot, sent),
    },
    checks,
    sizes,
  }
}

/** Returns a checked create as callers see it. */
export function dryRunView({ request, checks }: CheckedCreate): v.InferOutput<typeof DryRun> {
  return {
    ok: checks.every(({ ok }) => ok),
    request,
    checks: checks.map((one) => {
      return { path: one.path, code: one.code, ok: one.ok, message: checkMessage(one, WORDINGS.en) }
    }),
  }
}

/** Checks the requirements of a create, and finds the size of each storage. */
async function check({ input, regionCode, caller }: CheckedRequest, context: Context) {
  const { name, storages } = input
  const snapshotNos = [...new Set(storages.flatMap(({ snapshotNo }) => snapshotNo ?? []))]
  const [rows, holder] = await Promise.all([
    snapshots({ snapshotNos, regionCode }, context),
    findNameHolder(name, { regionCode, caller }, context),
  ])
  const found = new Map(rows.map(({ snapshot }) => [snapshot.snapshotNo, snapshot]))
  const checks = storages.flatMap(({ snapshotNo, sizeGb: storageGb = null }, order) =>
    snapshotNo === undefined
      ? []
      : checkSnapshot(found.get(snapshotNo), order, { snapshotNo, regionCode, storageGb }),
  )
  const nameCheck: Check = {
    path: 'name',
    code: 'name-free',
    ok: holder === undefined,
    facts: { name, holder },
  }
  return { checks: [...checks, nameCheck], sizes: storages.map(sizeWith(found)) }
}

function sizeWith(found: Map<string, Snapshot>) {
  return ({ snapshotNo = '', sizeGb }: ImageStorage) =>
    sizeGb ?? found.get(snapshotNo)?.sizeGb ?? null
}

/** Finds the live operation or the image that has a name. */
async function findNameHolder(
  name: string,
  { regionCode, caller }: Pick<CheckedRequest, 'regionCode' | 'caller'>,
  context: Context,
): Promise<NameHolder | undefined> {
  const { rows } = await ownImages(name, { regionCode }, context)
  const image = rows.map((row) => row.image).find(({ phase }) => !isLost(phase))
  if (image) {
    const { imageNo, phase: status, createdAt: since } = image
    return { imageNo, status, since }
  }
  const holder = await context.store.holder(imageNameHold(regionCode, name))
  if (!holder) return undefined
  const operationId = mayRead(holder, caller) ? holder.operationId : undefined
  return { operationId, status: statusOf(holder), since: rfc3339(holder.updatedAt) }
}

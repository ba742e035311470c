import * as v from 'valibot'
import { readOperation } from '../../shared/api/operations.ts'
import type { RequestContext } from '../../shared/api/request-context.ts'
import { jobCallerName } from '../../shared/caller.ts'
import { Digits, RegionCode } from '../../shared/ncloud/values.ts'
import { oneOf } from '../../shared/one-of.ts'
import { type CreateRequest, create } from '../../shared/operations/create.ts'
import { dryRun } from '../../shared/operations/create-image/dry-run.ts'
import { imageFields } from '../../shared/operations/create-image/input.ts'
import { refreshIfStale, refreshImage } from '../../shared/operations/follow.ts'
import { isSettled, mayRead, type Operation, statusOf } from '../../shared/operations/operation.ts'
import { settle } from '../../shared/operations/settle.ts'
import { STATUSES } from '../../shared/operations/state.ts'
import { operationView } from '../../shared/operations/view.ts'
import { TargetNames } from '../../shared/outbox/webhooks.ts'
import { WORDINGS } from '../../shared/outbox/wording/all.ts'
import { invalidInput, Problem } from '../../shared/problem.ts'
import type { Listing } from '../../shared/store/store.ts'
import type { Reply } from '../reply.ts'
import { PENDING_RETRY_AFTER_SECONDS, preferenceApplied, waitFor } from './wait.ts'

/** The query of a create; `dryRun=true` only checks it. */
export const CreateQuery = v.strictObject({
  dryRun: v.optional(v.picklist(['true', 'false'], 'must be true or false')),
})

/** The body of a create: the image, and the targets that are notified. */
export const CreateBody = v.strictObject({
  ...imageFields,
  regionCode: v.optional(RegionCode),
  notify: v.optional(TargetNames),
})

/** The parameters of one operation. */
export const OperationAddress = v.strictObject({ id: v.string() })

const RESOLUTION_RULE = 'must be {"imageNo": digits} or {"abandon": true}'

/** The body that settles a conflict. */
export const ResolutionBody = v.union(
  [v.strictObject({ imageNo: Digits }), v.strictObject({ abandon: v.literal(true) })],
  RESOLUTION_RULE,
)

/** The query for operations. */
export const OperationsQuery = v.strictObject({
  status: v.optional(oneOf(STATUSES)),
  kind: v.optional(oneOf(['createImage'])),
  job: v.optional(v.string()),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^([1-9]\d?|100)$/, 'must be 1 to 100'),
      v.transform((text) => Number(text)),
    ),
    '20',
  ),
  cursor: v.optional(v.string()),
})

/** Creates an image, or with `dryRun` only checks the request. */
export async function createImage(
  query: v.InferOutput<typeof CreateQuery>,
  body: v.InferOutput<typeof CreateBody>,
  context: RequestContext,
): Promise<Reply> {
  const { regionCode = context.regionCode, notify = [], ...content } = body
  mustBeTargets(notify, context)
  const request = { regionCode, content, notify }
  if (query.dryRun !== 'true') return makeImage(request, context)
  const { caller, key } = context
  const result = await dryRun({ ...request, caller, key }, context)
  const failed = result.checks.filter(({ ok }) => !ok).length
  const lines = [
    ...result.checks.map(({ ok, message }) => `${ok ? '✓' : '✗'} ${message}`),
    WORDINGS.en.check.verdict({ failed }),
  ]
  return { status: 200, body: result, lines }
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

/** Creates an image for the caller and answers with the operation. */
export async function makeImage(
  request: Omit<CreateRequest, 'caller' | 'key'>,
  context: RequestContext,
): Promise<Reply> {
  const { caller, key } = context
  const { operation, isReplay } = await create({ ...request, caller, key }, context)
  const settled = await waitFor(operation, () => reload(operation, context), isSettled, context)
  mustNotBeRejected(settled)
  const answer = operationReply(settled, context)
  const headers = {
    ...answer.headers,
    location: `/v1/operations/${operation.operationId}`,
    ...(isReplay && { 'idempotent-replayed': 'true' }),
  }
  return { ...answer, status: createStatus(settled, isReplay), headers }
}

/** Throws the problem of a rejected operation. */
function mustNotBeRejected({ operationId, state, problem }: Operation): void {
  if (state !== 'rejected' || !problem) return
  const { code, detail, ...extras } = problem
  throw new Problem(code, detail, { operationId, ...extras })
}

/** Answers with one operation that the caller may read. */
export async function operationById(
  { id }: v.InferOutput<typeof OperationAddress>,
  context: RequestContext,
): Promise<Reply> {
  const stored = await readOperation(id, context)
  const operation = await refreshIfStale(stored, context)
  const settled = await waitFor(operation, () => reload(operation, context), isSettled, context)
  return operationReply(settled, context)
}

/** Settles a conflict by an administrator's decision. */
export async function resolveConflict(
  { id }: v.InferOutput<typeof OperationAddress>,
  resolution: v.InferOutput<typeof ResolutionBody>,
  context: RequestContext,
): Promise<Reply> {
  const settled = await settle(await readOperation(id, context), resolution, context)
  return operationReply(settled, context)
}

/** Answers with the caller's operations and those of jobs as they are stored, newest first. An administrator gets all. */
export async function listOperations(
  { status, job, limit, cursor }: v.InferOutput<typeof OperationsQuery>,
  context: RequestContext,
): Promise<Reply> {
  const after = cursor === undefined ? undefined : positionOf(cursor)
  // One more than the limit shows that there is a next page.
  const query = { limit: limit + 1, after }
  const lists = await Promise.all(
    listsOf(job, context).map((of) => context.store.list({ ...query, of })),
  )
  const found = lists
    .flat()
    .sort(newestFirst)
    .slice(0, limit + 1)
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const next = last && found.length > limit ? { next: cursorOf(last) } : {}
  const isShown = (one: Operation) => status === undefined || statusOf(one) === status
  const shown = page.filter((one) => isShown(one) && mayRead(one, context.caller))
  return {
    status: 200,
    body: { items: shown.map(operationView), ...next },
    lines: shown.map(lineOf),
  }
}

/** Returns the lists of the store that make up a list for the caller; `undefined` stands for all operations. */
function listsOf(job: string | undefined, context: RequestContext): Listing['of'][] {
  if (job !== undefined) return [{ job }]
  if (isAdmin(context)) return [undefined]
  const callers = [context.caller.name, ...context.jobs.map(({ name }) => jobCallerName(name))]
  return callers.map((caller) => ({ caller }))
}

function newestFirst(one: Operation, other: Operation): number {
  return other.createdAt - one.createdAt || (other.operationId < one.operationId ? -1 : 1)
}

function operationReply(operation: Operation, context: RequestContext): Reply {
  const view = operationView(operation)
  return {
    status: 200,
    body: view,
    lines: [lineOf(operation), ...(view.knownBy && view.detail ? [view.detail] : [])],
    headers: preferenceApplied(context),
    operationId: view.operationId,
    retryAfterSeconds: retryAfterSeconds(operation, context.clock.now()),
  }
}

/** Returns the status of a create: 202 without an image number yet, 201 for a new image, 200 otherwise. */
function createStatus({ state }: Operation, isReplay: boolean) {
  if (state === 'accepted' || state === 'sending' || state === 'unknown') return 202
  return state === 'applied' && !isReplay ? 201 : 200
}

function retryAfterSeconds(operation: Operation, now: number): number | undefined {
  if (isSettled(operation)) return undefined
  const { state, dueAt } = operation
  return dueAt !== null && (state === 'accepted' || state === 'unknown')
    ? Math.max(1, Math.ceil((dueAt - now) / 1_000))
    : PENDING_RETRY_AFTER_SECONDS
}

/** Reads an operation and its image again. */
async function reload({ operationId }: Operation, context: RequestContext): Promise<Operation> {
  const stored = await readOperation(operationId, context)
  return isSettled(stored) ? stored : refreshImage(stored, context)
}

function isAdmin({ caller }: RequestContext): boolean {
  return caller.scopes.includes('images:admin')
}

function lineOf(operation: Operation): string {
  const { operationId, content, image } = operation
  return `${operationId} ${statusOf(operation)} ${content.name} ${image?.imageNo ?? '-'}`
}

function cursorOf({ createdAt, operationId }: Operation): string {
  return `${createdAt.toString(36)}.${operationId}`
}

function positionOf(cursor: string): Listing['after'] {
  const [, createdAt, operationId] = /^([0-9a-z]{1,9})\.(op_[0-9a-f]{32})$/.exec(cursor) ?? []
  if (!createdAt || !operationId) {
    throw new Problem('malformed-request', 'The cursor must be the `next` of a list')
  }
  return { createdAt: Number.parseInt(createdAt, 36), operationId }
}

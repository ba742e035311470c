import * as v from 'valibot'
import { type CreateRequest, create } from '../shared/creation/create.ts'
import { type Creation, isSettled, mayRead, statusOf } from '../shared/creation/creation.ts'
import { dryRun } from '../shared/creation/dry-run.ts'
import { current, refreshed } from '../shared/creation/follow.ts'
import { settle } from '../shared/creation/settle.ts'
import { STATES } from '../shared/creation/state.ts'
import type { Listing } from '../shared/creation/store.ts'
import { creationView } from '../shared/creation/view.ts'
import { imageFields } from '../shared/image-input.ts'
import { Digits, RegionCode } from '../shared/ncloud/values.ts'
import { TargetNames } from '../shared/notify.ts'
import { oneOf } from '../shared/one-of.ts'
import { WORDINGS } from '../shared/outbox/wording/all.ts'
import { invalidInput, Problem } from '../shared/problem.ts'
import type { Reply } from './reply.ts'
import {
  PENDING_RETRY_AFTER_SECONDS,
  preferenceApplied,
  type RequestContext,
  waitFor,
} from './request-context.ts'

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

/** The parameters of one creation. */
export const CreationAddress = v.strictObject({ id: v.string() })

const RESOLUTION_RULE = 'must be {"imageNo": digits} or {"abandon": true}'

/** The body that settles a conflict. */
export const ResolutionBody = v.union(
  [v.strictObject({ imageNo: Digits }), v.strictObject({ abandon: v.literal(true) })],
  RESOLUTION_RULE,
)

/** The query for creations. */
export const CreationsQuery = v.strictObject({
  state: v.optional(oneOf(STATES)),
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
  context: RequestContext,
  body: v.InferOutput<typeof CreateBody>,
): Promise<Reply> {
  const { regionCode = context.regionCode, notify = [], ...content } = body
  mustBeTargets(notify, context)
  const request = { regionCode, content, notify }
  if (query.dryRun !== 'true') return makeImage(request, context)
  const { caller, idempotencyKey: key } = context
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

/** Creates an image for the caller and answers with the creation. */
export async function makeImage(
  request: Omit<CreateRequest, 'caller' | 'key'>,
  context: RequestContext,
): Promise<Reply> {
  const { caller, idempotencyKey: key } = context
  const { creation, isReplay } = await create({ ...request, caller, key }, context)
  const settled = await waitFor(creation, () => reload(creation, context), isSettled, context)
  mustNotBeRejected(settled)
  const answer = creationReply(settled, context)
  const headers = {
    ...answer.headers,
    location: `/v1/creations/${creation.creationId}`,
    ...(isReplay && { 'idempotent-replayed': 'true' }),
  }
  return { ...answer, status: createStatus(settled, isReplay), headers }
}

/** Throws the problem of a rejected creation. */
function mustNotBeRejected({ creationId, state, problem }: Creation): void {
  if (state !== 'rejected' || !problem) return
  const { code, detail, ...extras } = problem
  throw new Problem(code, detail, { creationId, ...extras })
}

/** Answers with one creation that the caller may read. */
export async function creationById(
  { id }: v.InferOutput<typeof CreationAddress>,
  context: RequestContext,
): Promise<Reply> {
  const stored = await visible(id, context)
  const creation = await current(stored, context)
  const settled = await waitFor(creation, () => reload(creation, context), isSettled, context)
  return creationReply(settled, context)
}

/** Settles a conflict by an administrator's decision. */
export async function resolveConflict(
  { id }: v.InferOutput<typeof CreationAddress>,
  context: RequestContext,
  resolution: v.InferOutput<typeof ResolutionBody>,
): Promise<Reply> {
  const settled = await settle(await visible(id, context), resolution, context)
  return creationReply(settled, context)
}

/** Answers with the caller's creations as they are stored, newest first. An administrator gets those of all callers. */
export async function listCreations(
  { state, limit, cursor }: v.InferOutput<typeof CreationsQuery>,
  context: RequestContext,
): Promise<Reply> {
  const caller = isAdmin(context) ? undefined : context.caller.name
  const after = cursor === undefined ? undefined : positionOf(cursor)
  // One more than the limit shows that there is a next page.
  const found = await context.store.list({ caller, state, limit: limit + 1, after })
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  const next = last && found.length > limit ? { next: cursorOf(last) } : {}
  return {
    status: 200,
    body: { items: shown.map(creationView), ...next },
    lines: shown.map(lineOf),
  }
}

function creationReply(creation: Creation, context: RequestContext): Reply {
  const view = creationView(creation)
  return {
    status: 200,
    body: view,
    lines: [lineOf(creation), ...(view.knownBy && view.detail ? [view.detail] : [])],
    headers: preferenceApplied(context),
    creationId: view.creationId,
    retryAfterSeconds: retryAfterSeconds(creation, context.clock.now()),
  }
}

/** Returns the status of a create: 202 without an image number yet, 201 for a new image, 200 otherwise. */
function createStatus({ state }: Creation, isReplay: boolean) {
  if (state === 'accepted' || state === 'sending' || state === 'unknown') return 202
  return state === 'created' && !isReplay ? 201 : 200
}

function retryAfterSeconds(creation: Creation, now: number): number | undefined {
  if (isSettled(creation)) return undefined
  const { state, dueAt } = creation
  return dueAt !== null && (state === 'accepted' || state === 'unknown')
    ? Math.max(1, Math.ceil((dueAt - now) / 1_000))
    : PENDING_RETRY_AFTER_SECONDS
}

/** Reads a creation and its image again. */
async function reload({ creationId }: Creation, context: RequestContext): Promise<Creation> {
  const stored = await context.store.read(creationId)
  if (!stored) throw notFound()
  return isSettled(stored) ? stored : refreshed(stored, context)
}

/** Returns a creation that the caller may read. @throws Problem `creation-not-found` */
export async function visible(id: string, context: RequestContext): Promise<Creation> {
  const stored = await context.store.read(id)
  if (!stored || !mayRead(stored, context.caller)) throw notFound()
  return stored
}

function notFound(): Problem {
  return new Problem(
    'creation-not-found',
    'There is no creation with this id that this API key may read',
  )
}

function isAdmin({ caller }: RequestContext): boolean {
  return caller.scopes.includes('images:admin')
}

function lineOf(creation: Creation): string {
  const { creationId, content, image } = creation
  return `${creationId} ${statusOf(creation)} ${content.name} ${image?.imageNo ?? '-'}`
}

function cursorOf({ createdAt, creationId }: Creation): string {
  return `${createdAt.toString(36)}.${creationId}`
}

function positionOf(cursor: string): Listing['after'] {
  const [, createdAt, creationId] = /^([0-9a-z]{1,9})\.(cr_[0-9a-f]{32})$/.exec(cursor) ?? []
  if (!createdAt || !creationId) {
    throw new Problem('malformed-request', 'The cursor must be the `next` of a list')
  }
  return { createdAt: Number.parseInt(createdAt, 36), creationId }
}

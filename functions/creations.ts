import * as v from 'valibot'
import { create, type Wish } from '../shared/creation/create.ts'
import { type Creation, isSettled, STATES } from '../shared/creation/creation.ts'
import { dryRun } from '../shared/creation/dry-run.ts'
import { current, refreshed } from '../shared/creation/follow.ts'
import { callerOf } from '../shared/creation/run-jobs.ts'
import { settle } from '../shared/creation/settle.ts'
import type { Listing } from '../shared/creation/store.ts'
import { creationView } from '../shared/creation/view.ts'
import { imageContent } from '../shared/ncloud/actions/create-server-image-from-snapshot.ts'
import { Digits, RegionCode } from '../shared/ncloud/values.ts'
import { TargetNames } from '../shared/notify.ts'
import { oneOf } from '../shared/one-of.ts'
import { invalidInput, Problem } from '../shared/problem.ts'
import {
  type Call,
  PENDING_RETRY_AFTER_SECONDS,
  portsOf,
  preferenceApplied,
  waitedFor,
} from './call.ts'
import type { Reply } from './reply.ts'

/** What to do with a create: `dryRun=true` only checks it. */
export const CreateQuery = v.strictObject({
  dryRun: v.optional(v.picklist(['true', 'false'], 'must be true or false')),
})

/** The image that is wanted, and who is to be told. */
export const CreateBody = v.strictObject({
  ...imageContent,
  regionCode: v.optional(RegionCode),
  notify: v.optional(TargetNames),
})

/** One creation, by id. */
export const CreationAddress = v.strictObject({ id: v.string() })

const RESOLUTION_RULE = 'must be {"imageNo": digits} or {"abandon": true}'

/** How a conflict is settled. */
export const ResolutionBody = v.union(
  [v.strictObject({ imageNo: Digits }), v.strictObject({ abandon: v.literal(true) })],
  RESOLUTION_RULE,
)

/** Which creations to list. */
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

/** Makes an image, or with `dryRun` says whether it would. */
export async function createImage(
  query: v.InferOutput<typeof CreateQuery>,
  call: Call,
  body: v.InferOutput<typeof CreateBody>,
): Promise<Reply> {
  const { regionCode = call.regionCode, notify = [], ...content } = body
  mustBeTargets(notify, call)
  const wish = { regionCode, content, notify }
  if (query.dryRun !== 'true') return makeImage(wish, call)
  const { caller, idempotencyKey: key, work } = call
  const result = await dryRun({ ...wish, caller, key }, portsOf(call), work)
  const lines = result.checks.map(
    ({ ok, path, message }) => `${ok ? 'ok' : 'no'} ${path} ${message}`,
  )
  return { status: 200, body: result, lines }
}

/** Where nobody can be told at all, `notify` is only kept. @throws Problem `invalid-input` */
function mustBeTargets(notify: string[], { targets }: Call): void {
  const errors = notify.flatMap((name, index) =>
    targets.length === 0 || targets.includes(name)
      ? []
      : [{ path: `notify.${index}`, message: 'must be the name of a target' }],
  )
  if (errors.length > 0) throw invalidInput(errors)
}

/** Makes what the caller wishes, and answers with the creation. */
export async function makeImage(wish: Omit<Wish, 'caller' | 'key'>, call: Call): Promise<Reply> {
  const { caller, idempotencyKey: key, work } = call
  const { creation, isReplay } = await create({ ...wish, caller, key }, portsOf(call), work)
  const settled = await waitedFor(call, creation, () => again(creation, call), isSettled)
  mustNotBeRejected(settled)
  const answer = creationReply(settled, call)
  const headers = {
    ...answer.headers,
    location: `/v1/creations/${creation.creationId}`,
    ...(isReplay && { 'idempotent-replayed': 'true' }),
  }
  return { ...answer, status: createStatus(settled, isReplay), headers }
}

/** What a rejected creation is to whoever asked for it. @throws Problem that it was rejected for */
function mustNotBeRejected({ creationId, state, problem }: Creation): void {
  if (state !== 'rejected' || !problem) return
  const { code, detail, ...extras } = problem
  throw new Problem(code, detail, { creationId, ...extras })
}

/** Answers with one creation that the caller may see. */
export async function creationById(
  { id }: v.InferOutput<typeof CreationAddress>,
  call: Call,
): Promise<Reply> {
  const stored = await visible(id, call)
  const creation = await current(stored, portsOf(call), call.work)
  const settled = await waitedFor(call, creation, () => again(creation, call), isSettled)
  return creationReply(settled, call)
}

/** Settles a conflict, as an admin has decided. */
export async function resolveConflict(
  { id }: v.InferOutput<typeof CreationAddress>,
  call: Call,
  resolution: v.InferOutput<typeof ResolutionBody>,
): Promise<Reply> {
  const settled = await settle(await visible(id, call), resolution, portsOf(call), call.work)
  return creationReply(settled, call)
}

/** Answers with the caller's creations as they are stored, newest first; an admin sees everyone's. */
export async function listCreations(
  { state, limit, cursor }: v.InferOutput<typeof CreationsQuery>,
  call: Call,
): Promise<Reply> {
  const caller = isAdmin(call) ? undefined : call.caller.name
  const after = cursor === undefined ? undefined : positionOf(cursor)
  // One more than is shown tells whether there is a next page.
  const found = await portsOf(call).store.list({ caller, state, limit: limit + 1, after })
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  const next = last && found.length > limit ? { next: cursorOf(last) } : {}
  return {
    status: 200,
    body: { items: shown.map(creationView), ...next },
    lines: shown.map(lineOf),
  }
}

function creationReply(creation: Creation, call: Call): Reply {
  return {
    status: 200,
    body: creationView(creation),
    lines: [lineOf(creation)],
    headers: preferenceApplied(call),
    retryAfterSeconds: retryAfterSeconds(creation, call.clock.now()),
  }
}

/** How a create is answered: 201 with an image number, 202 without one yet, 200 for a repeat that has its end. */
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

/** The creation as it is a moment later, its image read again. */
async function again({ creationId }: Creation, call: Call): Promise<Creation> {
  const ports = portsOf(call)
  const stored = await ports.store.read(creationId)
  if (!stored) throw notFound()
  return isSettled(stored) ? stored : refreshed(stored, ports, call.work)
}

/** The creation, if the caller may see it. @throws Problem `creation-not-found` */
export async function visible(id: string, call: Call): Promise<Creation> {
  const stored = await portsOf(call).store.read(id)
  if (!stored || !mayRead(stored, call)) throw notFound()
  return stored
}

/** One's own; as an admin everyone's; and those of jobs, which are shown to all who may read. */
function mayRead(stored: Creation, call: Call): boolean {
  const names = [call.caller, ...call.jobs.map(callerOf)].map(({ name }) => name)
  return isAdmin(call) || names.includes(stored.caller)
}

function notFound(): Problem {
  return new Problem('creation-not-found', 'There is no such creation')
}

function isAdmin({ caller }: Call): boolean {
  return caller.scopes.includes('images:admin')
}

function lineOf({ creationId, state, content, image }: Creation): string {
  return `${creationId} ${state} ${content.name} ${image?.imageNo ?? '-'}`
}

function cursorOf({ createdAt, creationId }: Creation): string {
  return `${createdAt.toString(36)}.${creationId}`
}

function positionOf(cursor: string): Listing['after'] {
  const [, createdAt, creationId] = /^([0-9a-z]{1,9})\.(cr_[0-9a-f]{32})$/.exec(cursor) ?? []
  if (!createdAt || !creationId) {
    throw new Problem('malformed-request', 'The cursor is not one that a list gave')
  }
  return { createdAt: Number.parseInt(createdAt, 36), creationId }
}

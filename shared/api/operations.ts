import * as v from 'valibot'
import { jobCallerName } from '../caller.ts'
import { Digits } from '../ncloud/values.ts'
import { newestFirst, type Position } from '../newest-first.ts'
import { oneOf } from '../one-of.ts'
import { imageNameHold } from '../operations/create-image/holds.ts'
import { refreshIfStale, refreshResult } from '../operations/follow.ts'
import { KINDS } from '../operations/kinds.ts'
import { mayRead, type Operation, statusOf } from '../operations/operation.ts'
import { settle } from '../operations/settle.ts'
import { STATUSES } from '../operations/state.ts'
import { OperationView, operationView } from '../operations/view.ts'
import { Problem } from '../problem.ts'
import type { Listing } from '../store/store.ts'
import { DEFAULT_LIMIT, Limit, type Page, pageOf, readCursor } from './paging.ts'
import type { RequestContext } from './request-context.ts'
import { defineRow, UPSTREAM_PROBLEMS } from './row.ts'

const OPERATION_ID = /^op_[0-9a-f]{32}$/

const OperationAddress = v.strictObject({ id: v.string() })

/** Reads one operation, and its image again while that is not final. */
export const getOperation = defineRow({
  name: 'getOperation',
  scope: 'images:read',
  summary: 'Read an operation',
  parameters: OperationAddress,
  output: OperationView,
  problems: ['operation-not-found'],
  run: async ({ id }, context) => {
    const refresh = context.mustBeFresh ? refreshResult : refreshIfStale
    return refresh(await readOperation(id, context), context)
  },
  view: operationView,
})

/** Lists the caller's operations and those of jobs as they are stored, newest first. An administrator gets all. */
export const listOperations = defineRow({
  name: 'listOperations',
  scope: 'images:read',
  summary: 'List own operations and those of jobs, newest first',
  parameters: v.strictObject({
    status: v.optional(oneOf(STATUSES)),
    kind: v.optional(oneOf(KINDS.map(({ name }) => name))),
    job: v.optional(v.string()),
    limit: v.optional(Limit, String(DEFAULT_LIMIT)),
    cursor: v.optional(v.string()),
  }),
  output: v.object({ items: v.array(OperationView), next: v.optional(v.string()) }),
  problems: ['invalid-input'],
  run: async ({ status, kind, job, limit, cursor }, context): Promise<Page<Operation>> => {
    const after = cursor === undefined ? undefined : readCursor(cursor, OPERATION_ID)
    const query = {
      // One more than the limit shows that there is a next page.
      limit: limit + 1,
      after: after && { createdAt: after.createdAt, operationId: after.id },
    }
    const lists = await Promise.all(
      listsOf(job, context).map((of) => context.store.list({ ...query, of })),
    )
    const sorted = lists
      .flat()
      .sort((one, other) => newestFirst(positionOf(one), positionOf(other)))
    const { items, ...next } = pageOf(sorted, limit, positionOf)
    const isShown = (one: Operation) =>
      (status === undefined || statusOf(one) === status) &&
      (kind === undefined || one.kind === kind)
    return { items: items.filter((one) => isShown(one) && mayRead(one, context.caller)), ...next }
  },
  view: ({ items, ...next }) => ({ items: items.map(operationView), ...next }),
})

/** Settles a conflict by an administrator's decision. */
export const resolveOperation = defineRow({
  name: 'resolveOperation',
  scope: 'images:admin',
  summary: 'Settle a conflict: name the image, or abandon the operation',
  parameters: OperationAddress,
  body: v.union(
    [v.strictObject({ imageNo: Digits }), v.strictObject({ abandon: v.literal(true) })],
    'must be {"imageNo": digits} or {"abandon": true}',
  ),
  output: OperationView,
  problems: [
    'operation-not-found',
    'image-not-found',
    'not-in-conflict',
    'invalid-input',
    ...UPSTREAM_PROBLEMS,
  ],
  run: async ({ id, body }, context) => settle(await readOperation(id, context), body, context),
  view: operationView,
})

/** Finds the caller's own operation that holds a name; `undefined` if there is none. */
export async function findOwnHolder(
  name: string,
  { store, regionCode, caller }: RequestContext,
): Promise<Operation | undefined> {
  const holder = await store.holder(imageNameHold(regionCode, name))
  return holder?.caller === caller.name ? holder : undefined
}

/** Returns an operation that the caller may read. @throws Problem `operation-not-found` */
async function readOperation(id: string, context: RequestContext): Promise<Operation> {
  // A text of another form is no id, and DynamoDB refuses a long one.
  const stored = OPERATION_ID.test(id) ? await context.store.get('operation', id) : undefined
  if (!stored || !mayRead(stored, context.caller)) {
    throw new Problem(
      'operation-not-found',
      'There is no operation with this id that this API key may read',
    )
  }
  return stored
}

/** Returns the lists of the store that make up a list for the caller; `undefined` stands for all operations. */
function listsOf(job: string | undefined, { caller, jobs }: RequestContext): Listing['of'][] {
  if (job !== undefined) return [{ job }]
  if (caller.scopes.includes('images:admin')) return [undefined]
  const callers = [caller.name, ...jobs.map(({ name }) => jobCallerName(name))]
  return callers.map((name) => ({ caller: name }))
}

function positionOf({ createdAt, operationId }: Operation): Position {
  return { createdAt, id: operationId }
}

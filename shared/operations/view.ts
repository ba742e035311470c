import * as v from 'valibot'
import { Image } from '../image.ts'
import { progressMessage } from '../outbox/messages.ts'
import { WORDINGS } from '../outbox/wording/all.ts'
import { LastingProblem, withoutFacts } from '../problem.ts'
import { rfc3339 } from '../web/rfc3339.ts'
import { KINDS } from './kinds.ts'
import { isSettled, isStalled, knownBy, type Operation, statusOf } from './operation.ts'
import { STATUSES } from './state.ts'

/** An operation as callers see it. */
export const OperationView = v.object({
  operationId: v.string(),
  kind: v.picklist(KINDS.map(({ name }) => name)),
  status: v.picklist(STATUSES),
  /** True if the status no longer changes by itself. */
  final: v.boolean(),
  /** True if the relay followed it for a day without an end; reading it still reads its result again. */
  stalled: v.boolean(),
  /** One sentence about the progress; null if the operation is not in progress. */
  detail: v.nullable(v.string()),
  name: v.string(),
  regionCode: v.string(),
  caller: v.string(),
  /** The job whose run it is. */
  job: v.nullable(v.string()),
  attempt: v.number(),
  image: v.nullable(Image),
  /** The numbers of the images between which an administrator must decide, in a conflict. */
  candidates: v.array(v.string()),
  problem: v.nullable(LastingProblem),
  /** The time by which an unknown outcome will be known; null in any other state. */
  knownBy: v.nullable(v.string()),
  createdAt: v.string(),
  updatedAt: v.string(),
  history: v.array(
    v.object({
      at: v.string(),
      status: v.picklist(STATUSES),
      actor: v.string(),
      reason: v.nullable(v.string()),
    }),
  ),
})

/** Returns an operation as callers see it: without key, input and marker, all times in RFC 3339. */
export function operationView(operation: Operation): v.InferOutput<typeof OperationView> {
  const { operationId, kind, name, regionCode, caller, run, attempt, result, candidates, problem } =
    operation
  const known = knownBy(operation)
  return {
    operationId,
    kind,
    status: statusOf(operation),
    final: isSettled(operation),
    stalled: isStalled(operation),
    detail: progressMessage(operation, WORDINGS.en) ?? null,
    name,
    regionCode,
    caller,
    job: run?.job ?? null,
    attempt,
    image: result,
    candidates,
    problem: problem && withoutFacts(problem),
    knownBy: known === undefined ? null : rfc3339(known),
    createdAt: rfc3339(operation.createdAt),
    updatedAt: rfc3339(operation.updatedAt),
    history: operation.history.map(({ at, status, actor, reason = null }) => {
      return { at: rfc3339(at), status, actor, reason }
    }),
  }
}

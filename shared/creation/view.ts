import * as v from 'valibot'
import { Image } from '../image.ts'
import { progressMessage } from '../outbox/messages.ts'
import { WORDINGS } from '../outbox/wording/all.ts'
import { LastingProblem, withoutFacts } from '../problem.ts'
import { rfc3339 } from '../rfc3339.ts'
import { type Creation, knownBy } from './creation.ts'
import { STATES } from './state.ts'

/** A creation as callers see it. */
export const CreationView = v.object({
  creationId: v.string(),
  state: v.picklist(STATES),
  /** One sentence about the progress; null if the creation is not in progress. */
  detail: v.nullable(v.string()),
  name: v.string(),
  regionCode: v.string(),
  caller: v.string(),
  attempt: v.number(),
  image: v.nullable(Image),
  problem: v.nullable(LastingProblem),
  /** The time by which an unknown outcome will be known; null in any other state. */
  knownBy: v.nullable(v.string()),
  createdAt: v.string(),
  updatedAt: v.string(),
  history: v.array(
    v.object({
      at: v.string(),
      actor: v.string(),
      to: v.picklist(STATES),
      reason: v.optional(v.string()),
    }),
  ),
})

/** Returns a creation as callers see it: without key, content and marker, all times in RFC 3339. */
export function creationView(creation: Creation): v.InferOutput<typeof CreationView> {
  const { creationId, state, content, regionCode, caller, attempt, image, problem } = creation
  const known = knownBy(creation)
  return {
    creationId,
    state,
    detail: progressMessage(creation, WORDINGS.en) ?? null,
    name: content.name,
    regionCode,
    caller,
    attempt,
    image,
    problem: problem && withoutFacts(problem),
    knownBy: known === undefined ? null : rfc3339(known),
    createdAt: rfc3339(creation.createdAt),
    updatedAt: rfc3339(creation.updatedAt),
    history: creation.history.map(({ at, ...step }) => ({ at: rfc3339(at), ...step })),
  }
}

import * as v from 'valibot'
import { Image } from '../image.ts'
import { ProblemMembers, problemMembers } from '../problem.ts'
import { rfc3339 } from '../rfc3339.ts'
import { type Creation, STATES } from './creation.ts'

/** A creation as its caller sees it. */
export const CreationView = v.object({
  creationId: v.string(),
  state: v.picklist(STATES),
  name: v.string(),
  regionCode: v.string(),
  caller: v.string(),
  attempt: v.number(),
  image: v.nullable(Image),
  problem: v.nullable(ProblemMembers),
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

/** A creation as its caller sees it: without its key, content and marker, all times RFC 3339. */
export function creationView(creation: Creation): v.InferOutput<typeof CreationView> {
  const { creationId, state, content, regionCode, caller, attempt, image, problem } = creation
  return {
    creationId,
    state,
    name: content.name,
    regionCode,
    caller,
    attempt,
    image,
    problem: problem && problemMembers(problem.code, problem.detail, problem),
    createdAt: rfc3339(creation.createdAt),
    updatedAt: rfc3339(creation.updatedAt),
    history: creation.history.map(({ at, ...step }) => ({ at: rfc3339(at), ...step })),
  }
}

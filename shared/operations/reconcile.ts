import type { Context } from '../context.ts'
import type { Image } from '../image.ts'
import { logWith, toProblem } from '../log.ts'
import { createServerImageFromSnapshot } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import { upstreamProblem } from '../ncloud/fault.ts'
import { type Problem, type StoredProblem, storedProblem } from '../problem.ts'
import { HOUR_MS, SECOND_MS } from '../web/durations.ts'
import { findSnapshots, seeksSnapshots } from './create-image/find-snapshots.ts'
import {
  candidatesIn,
  type Findings,
  imageOf,
  imagesIn,
  lookUp,
  withoutLost,
} from './create-image/look-up.ts'
import { follow } from './follow.ts'
import {
  apply,
  fillSnapshots,
  isAttemptOver,
  markConflict,
  markNotApplied,
  markUnknown,
  type Operation,
  postpone,
  postponeLook,
  reject,
  startAttempt,
} from './operation.ts'
import { put, save } from './record.ts'

/** The minimum time that must be left to send a create. */
const MIN_SEND_MS = 5 * SECOND_MS
/** The time limit of a create. */
const MAX_SEND_MS = 25 * SECOND_MS
/** The delay before the next look-up: less than a minute, so that the next tick makes it. */
const LOOK_AGAIN_MS = 50 * SECOND_MS
const POSTPONED_MS = 30 * SECOND_MS
const MAX_ATTEMPTS = 3
/** The maximum age of an operation at which an attempt may start. */
const ATTEMPT_LIMIT_MS = HOUR_MS

/** The failures of a look-up that a retry does not fix. */
const LASTING_FAILURES = ['upstream-permission', 'upstream-refused', 'invalid-input']

const UNSENT: StoredProblem = {
  code: 'upstream-timeout',
  detail: 'There was not enough time left to send the request',
}
const UNSEEN: StoredProblem = {
  code: 'upstream-timeout',
  detail: 'The process stopped before the answer of NAVER Cloud arrived',
}

/**
 * Performs the next step of an operation. Any number of processes may do this at once, and each may stop at any point. Every
 * write expects the version that was read, and a process whose write comes too late does nothing more.
 */
export async function reconcile(operation: Operation, given: Context): Promise<Operation> {
  const { operationId } = operation
  const context = { ...given, log: logWith({ operationId }, given.log) }
  switch (operation.state) {
    case 'accepted':
      return begin(operation, context)
    case 'sending':
      return takeOver(operation, context)
    case 'unknown':
      return resolve(operation, context)
    case 'applied':
      return follow(operation, context)
    default:
      return operation
  }
}

/**
 * Begins an attempt of an operation for which nothing was sent, or for which all attempts had no effect. Before the first
 * attempt it looks up the snapshots that are still unknown, and images with the same name.
 */
async function begin(operation: Operation, context: Context): Promise<Operation> {
  const { problem } = operation
  if (isTooOld(operation, context)) {
    return save(reject(operation, problem ?? UNSENT, context), context)
  }
  if (operation.attempt > 0) return attempt(operation, context)
  let findings: Findings
  try {
    if (seeksSnapshots(operation.content)) {
      const found = fillSnapshots(operation, await findSnapshots(operation, context))
      const stored = await put(found, context)
      // If another process wrote first, that process continues.
      return stored === found ? begin(stored, context) : stored
    }
    findings = await lookUp(operation, context)
  } catch (error) {
    return save(withoutLookUp(operation, toProblem(error, context.log), context), context)
  }
  const there = withoutLost(findings)
  const ours = imageOf(operation, there)
  if (ours && ours.phase !== 'deleting') {
    return save(apply(operation, ours, context, 'adopted'), context)
  }
  const [other] = imagesIn(there)
  if (other) return save(reject(operation, nameTakenBy(other), context), context)
  const imagesBefore = imagesIn(findings).map(({ imageNo }) => imageNo)
  return attempt({ ...operation, imagesBefore }, context)
}

/** Handles a failed look-up before the first attempt: rejects the operation if a retry cannot help, else postpones it. */
function withoutLookUp(operation: Operation, problem: Problem, context: Context): Operation {
  return LASTING_FAILURES.includes(problem.code)
    ? reject(operation, storedProblem(problem), context)
    : postpone(operation, storedProblem(problem), retryAt(problem, context), context)
}

/** Makes one attempt: sign, store, send, store. The request is signed before it is stored, and sent at most once. */
async function attempt(
  operation: Operation,
  context: Context,
  mayRenew = true,
): Promise<Operation> {
  const { gateway, clock } = context
  const { content, marker, regionCode } = operation
  const timeLeft = () => Math.min(MAX_SEND_MS, context.deadline - clock.now())
  if (timeLeft() < MIN_SEND_MS) return operation
  const input = { ...content, marker, regionCode }
  const signed = await gateway.sign(createServerImageFromSnapshot, input, context)
  const next = startAttempt(operation, signed.signedAt, context)
  const stored = await save(next, context)
  if (stored !== next) return stored
  // The process may have been frozen; it is too late to send safely.
  if (timeLeft() < MIN_SEND_MS) {
    return save(postpone(next, UNSENT, clock.now(), context), context)
  }
  let image: Image
  try {
    image = await signed.send(timeLeft())
    // A row with another name is not an answer to this request.
    const { action } = image.upstream
    if (image.name !== content.name) throw upstreamProblem('malformed', { action })
  } catch (error) {
    const problem = toProblem(error, context.log)
    const settled = await save(await afterFailure(next, problem, context), context)
    const again = mayRenew && problem.code === 'upstream-credentials'
    if (!again || settled.state !== 'accepted') return settled
    await gateway.renew()
    return attempt(settled, context, false)
  }
  return save(apply(next, image, context), context)
}

/** Returns the operation after a failed attempt. */
async function afterFailure(
  operation: Operation,
  problem: Problem,
  context: Context,
): Promise<Operation> {
  const { code, extras } = problem
  const stored = storedProblem(problem)
  if (extras.effect === 'none') {
    return code === 'upstream-throttled' || code === 'upstream-credentials'
      ? postpone(operation, stored, retryAt(problem, context), context)
      : reject(operation, stored, context)
  }
  // From the second attempt on, the effect of an earlier attempt may have caused the refusal.
  if (extras.effect === 'look-up' && operation.attempt === 1) {
    try {
      const findings = await lookUp(operation, context)
      const ours = imageOf(operation, findings)
      if (ours) return apply(operation, ours, context, 'adopted')
      if (candidatesIn(findings).length === 0) return reject(operation, stored, context)
    } catch (error) {
      toProblem(error, context.log)
    }
  }
  return markUnknown(operation, stored, context)
}

/** Takes over an attempt whose lease has expired. Its outcome is unknown, and its sender can no longer store a result. */
async function takeOver(operation: Operation, context: Context): Promise<Operation> {
  const left = await save(markUnknown(operation, UNSEEN, context), context)
  return left.state === 'unknown' ? resolve(left, context) : left
}

/** Looks for the image of an attempt. Starts another attempt only when this one can no longer have an effect. */
async function resolve(operation: Operation, context: Context): Promise<Operation> {
  const { clock } = context
  const later = () => put(postponeLook(operation, clock.now() + LOOK_AGAIN_MS), context)
  let findings: Findings
  try {
    findings = await lookUp(operation, context)
  } catch (error) {
    toProblem(error, context.log)
    return later()
  }
  const ours = imageOf(operation, findings)
  if (ours) return save(apply(operation, ours, context, 'adopted'), context)
  if (!isAttemptOver(operation, findings.gatewayTime)) return later()
  const candidates = candidatesIn(findings).map(({ imageNo }) => imageNo)
  if (candidates.length > 0) return save(markConflict(operation, candidates, context), context)
  if (imagesIn(withoutLost(findings)).length > 0) {
    return save(markNotApplied(operation, 'name-taken', context), context)
  }
  return operation.attempt >= MAX_ATTEMPTS || isTooOld(operation, context)
    ? save(markNotApplied(operation, 'absent', context), context)
    : attempt(operation, context)
}

function nameTakenBy({ imageNo, phase: status, createdAt: since }: Image): StoredProblem {
  const when = since === null ? '' : `, created ${since}`
  const detail = `The name is in use by image ${imageNo} (${status}${when}). Choose another name`
  return { code: 'name-taken', detail, facts: { nameHolder: { imageNo, status, since } } }
}

function isTooOld({ createdAt }: Operation, { clock }: Context): boolean {
  return clock.now() > createdAt + ATTEMPT_LIMIT_MS
}

function retryAt({ extras }: Problem, { clock }: Context): number {
  const seconds = extras.retryAfterSeconds
  return clock.now() + (seconds === undefined ? POSTPONED_MS : seconds * SECOND_MS)
}

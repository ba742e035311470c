import type { Context } from '../context.ts'
import { HOUR_MS, SECOND_MS } from '../durations.ts'
import type { Image } from '../image.ts'
import { logWith, toProblem } from '../log.ts'
import { createServerImageFromSnapshot } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import { upstreamProblem } from '../ncloud/fault.ts'
import { type Problem, type StoredProblem, storedProblem } from '../problem.ts'
import {
  type Creation,
  created,
  inConflict,
  isAttemptOver,
  notCreated,
  postponed,
  rejected,
  sending,
  unknown,
  waiting,
  withContent,
} from './creation.ts'
import { findSnapshots, seeksSnapshots } from './find-snapshots.ts'
import { follow } from './follow.ts'
import { type Findings, imageOf, imagesIn, lookUp, mayBeOurs, withoutLost } from './look-up.ts'
import { put, save } from './record.ts'

/** The minimum time that must be left to send a create. */
const MIN_SEND_MS = 5 * SECOND_MS
/** The time limit of a create. */
const MAX_SEND_MS = 25 * SECOND_MS
/** The delay before the next look-up: less than a minute, so that the next tick makes it. */
const LOOK_AGAIN_MS = 50 * SECOND_MS
const POSTPONED_MS = 30 * SECOND_MS
const MAX_ATTEMPTS = 3
/** The maximum age of a creation at which an attempt may start. */
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
 * Performs the next step of a creation. Any number of processes may do this at once, and each may stop at any point. Every
 * write expects the version that was read, and a process whose write comes too late does nothing more.
 */
export async function reconcile(creation: Creation, given: Context): Promise<Creation> {
  const { creationId } = creation
  const context = { ...given, log: logWith({ creationId }, given.log) }
  switch (creation.state) {
    case 'accepted':
      return begin(creation, context)
    case 'sending':
      return takeOver(creation, context)
    case 'unknown':
      return resolve(creation, context)
    case 'created':
      return follow(creation, context)
    default:
      return creation
  }
}

/**
 * Begins an attempt of a creation for which nothing was sent, or for which all attempts had no effect. Before the first
 * attempt it looks up the snapshots that are still unknown, and images with the same name.
 */
async function begin(creation: Creation, context: Context): Promise<Creation> {
  const { problem } = creation
  if (isTooOld(creation, context)) {
    return save(rejected(creation, problem ?? UNSENT, context), context)
  }
  if (creation.attempt > 0) return attempt(creation, context)
  let findings: Findings
  try {
    if (seeksSnapshots(creation.content)) {
      const found = withContent(creation, await findSnapshots(creation, context))
      const stored = await put(found, context)
      // If another process wrote first, that process continues.
      return stored === found ? begin(stored, context) : stored
    }
    findings = await lookUp(creation, context)
  } catch (error) {
    return save(withoutLookUp(creation, toProblem(error, context.log), context), context)
  }
  const there = withoutLost(findings)
  const ours = imageOf(creation, there)
  if (ours && ours.phase !== 'deleting') {
    return save(created(creation, ours, context, 'adopted'), context)
  }
  const [other] = imagesIn(there)
  if (other) return save(rejected(creation, nameTakenBy(other), context), context)
  const imagesBefore = imagesIn(findings).map(({ imageNo }) => imageNo)
  return attempt({ ...creation, imagesBefore }, context)
}

/** Handles a failed look-up before the first attempt: rejects the creation if a retry cannot help, else postpones it. */
function withoutLookUp(creation: Creation, problem: Problem, context: Context): Creation {
  return LASTING_FAILURES.includes(problem.code)
    ? rejected(creation, storedProblem(problem), context)
    : postponed(creation, storedProblem(problem), retryAt(problem, context), context)
}

/** Makes one attempt: sign, store, send, store. The request is signed before it is stored, and sent at most once. */
async function attempt(creation: Creation, context: Context, mayRenew = true): Promise<Creation> {
  const { gateway, clock } = context
  const { content, marker, regionCode } = creation
  const timeLeft = () => Math.min(MAX_SEND_MS, context.deadline - clock.now())
  if (timeLeft() < MIN_SEND_MS) return creation
  const input = { ...content, marker, regionCode }
  const signed = await gateway.sign(createServerImageFromSnapshot, input, context)
  const next = sending(creation, signed.signedAt, context)
  const stored = await save(next, context)
  if (stored !== next) return stored
  // The process may have been frozen; it is too late to send safely.
  if (timeLeft() < MIN_SEND_MS) {
    return save(postponed(next, UNSENT, clock.now(), context), context)
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
  return save(created(next, image, context), context)
}

/** Returns the creation after a failed attempt. */
async function afterFailure(
  creation: Creation,
  problem: Problem,
  context: Context,
): Promise<Creation> {
  const { code, extras } = problem
  const stored = storedProblem(problem)
  if (extras.effect === 'none') {
    return code === 'upstream-throttled' || code === 'upstream-credentials'
      ? postponed(creation, stored, retryAt(problem, context), context)
      : rejected(creation, stored, context)
  }
  // From the second attempt on, the effect of an earlier attempt may have caused the refusal.
  if (extras.effect === 'look-up' && creation.attempt === 1) {
    try {
      const findings = await lookUp(creation, context)
      const ours = imageOf(creation, findings)
      if (ours) return created(creation, ours, context, 'adopted')
      if (!mayBeOurs(findings)) return rejected(creation, stored, context)
    } catch (error) {
      toProblem(error, context.log)
    }
  }
  return unknown(creation, stored, context)
}

/** Takes over an attempt whose lease has expired. Its outcome is unknown, and its sender can no longer store a result. */
async function takeOver(creation: Creation, context: Context): Promise<Creation> {
  const left = await save(unknown(creation, UNSEEN, context), context)
  return left.state === 'unknown' ? resolve(left, context) : left
}

/** Looks for the image of an attempt. Starts another attempt only when this one can no longer have an effect. */
async function resolve(creation: Creation, context: Context): Promise<Creation> {
  const { clock } = context
  const later = () => put(waiting(creation, clock.now() + LOOK_AGAIN_MS), context)
  let findings: Findings
  try {
    findings = await lookUp(creation, context)
  } catch (error) {
    toProblem(error, context.log)
    return later()
  }
  const ours = imageOf(creation, findings)
  if (ours) return save(created(creation, ours, context, 'adopted'), context)
  if (!isAttemptOver(creation, findings.gatewayTime)) return later()
  if (mayBeOurs(findings)) return save(inConflict(creation, context), context)
  if (imagesIn(withoutLost(findings)).length > 0) {
    return save(notCreated(creation, 'name-taken', context), context)
  }
  return creation.attempt >= MAX_ATTEMPTS || isTooOld(creation, context)
    ? save(notCreated(creation, 'absent', context), context)
    : attempt(creation, context)
}

function nameTakenBy({ imageNo, phase: status, createdAt: since }: Image): StoredProblem {
  const when = since === null ? '' : `, created ${since}`
  const detail = `The name is in use by image ${imageNo} (${status}${when}). Choose another name`
  return { code: 'name-taken', detail, facts: { nameHolder: { imageNo, status, since } } }
}

function isTooOld({ createdAt }: Creation, { clock }: Context): boolean {
  return clock.now() > createdAt + ATTEMPT_LIMIT_MS
}

function retryAt({ extras }: Problem, { clock }: Context): number {
  const seconds = extras.retryAfterSeconds
  return clock.now() + (seconds === undefined ? POSTPONED_MS : seconds * SECOND_MS)
}

import { HOUR_MS, SECOND_MS } from '../durations.ts'
import type { Image } from '../image.ts'
import { logWith, toProblem } from '../log.ts'
import { createServerImageFromSnapshot } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import { upstreamProblem } from '../ncloud/fault.ts'
import { type Problem, type StoredProblem, storedProblem } from '../problem.ts'
import type { Work } from '../work.ts'
import {
  type Act,
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
import { actOf, type Ports } from './ports.ts'
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
export async function reconcile(
  creation: Creation,
  ports: Ports,
  { log, ...rest }: Work,
): Promise<Creation> {
  const { creationId } = creation
  const work = { ...rest, log: logWith({ creationId }, log) }
  switch (creation.state) {
    case 'accepted':
      return begin(creation, ports, work)
    case 'sending':
      return takeOver(creation, ports, work)
    case 'unknown':
      return resolve(creation, ports, work)
    case 'created':
      return follow(creation, ports, work)
    default:
      return creation
  }
}

/**
 * Begins an attempt of a creation for which nothing was sent, or for which all attempts had no effect. Before the first
 * attempt it looks up the snapshots that are still unknown, and images with the same name.
 */
async function begin(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { problem } = creation
  if (isTooOld(creation, ports)) {
    return save(rejected(creation, problem ?? UNSENT, actOf(ports, work)), ports, work)
  }
  if (creation.attempt > 0) return attempt(creation, ports, work)
  let findings: Findings
  try {
    if (seeksSnapshots(creation.content)) {
      const found = withContent(creation, await findSnapshots(creation, ports, work))
      const stored = await put(found, ports)
      // If another process wrote first, that process continues.
      return stored === found ? begin(stored, ports, work) : stored
    }
    findings = await lookUp(creation, ports.gateway, work)
  } catch (error) {
    return save(withoutLookUp(creation, toProblem(error, work.log), ports, work), ports, work)
  }
  const there = withoutLost(findings)
  const ours = imageOf(creation, there)
  if (ours && ours.phase !== 'deleting') {
    return save(created(creation, ours, actOf(ports, work), 'adopted'), ports, work)
  }
  const [other] = imagesIn(there)
  if (other) return save(rejected(creation, nameTakenBy(other), actOf(ports, work)), ports, work)
  const imagesBefore = imagesIn(findings).map(({ imageNo }) => imageNo)
  return attempt({ ...creation, imagesBefore }, ports, work)
}

/** Handles a failed look-up before the first attempt: rejects the creation if a retry cannot help, else postpones it. */
function withoutLookUp(creation: Creation, problem: Problem, ports: Ports, work: Work): Creation {
  const act = actOf(ports, work)
  return LASTING_FAILURES.includes(problem.code)
    ? rejected(creation, storedProblem(problem), act)
    : postponed(creation, storedProblem(problem), retryAt(problem, act), act)
}

/** Makes one attempt: sign, store, send, store. The request is signed before it is stored, and sent at most once. */
async function attempt(
  creation: Creation,
  ports: Ports,
  work: Work,
  mayRenew = true,
): Promise<Creation> {
  const { gateway, clock } = ports
  const { content, marker, regionCode } = creation
  const timeLeft = () => Math.min(MAX_SEND_MS, work.deadline - clock.now())
  if (timeLeft() < MIN_SEND_MS) return creation
  const input = { ...content, marker, regionCode }
  const signed = await gateway.sign(createServerImageFromSnapshot, input, work)
  const next = sending(creation, signed.signedAt, actOf(ports, work))
  const stored = await save(next, ports, work)
  if (stored !== next) return stored
  // The process may have been frozen; it is too late to send safely.
  if (timeLeft() < MIN_SEND_MS) {
    return save(postponed(next, UNSENT, clock.now(), actOf(ports, work)), ports, work)
  }
  let image: Image
  try {
    image = await signed.send(timeLeft())
    // A row with another name is not an answer to this request.
    const { action } = image.upstream
    if (image.name !== content.name) throw upstreamProblem('malformed', { action })
  } catch (error) {
    const problem = toProblem(error, work.log)
    const settled = await save(await afterFailure(next, problem, ports, work), ports, work)
    const again = mayRenew && problem.code === 'upstream-credentials'
    if (!again || settled.state !== 'accepted') return settled
    await gateway.renew()
    return attempt(settled, ports, work, false)
  }
  return save(created(next, image, actOf(ports, work)), ports, work)
}

/** Returns the creation after a failed attempt. */
async function afterFailure(
  creation: Creation,
  problem: Problem,
  ports: Ports,
  work: Work,
): Promise<Creation> {
  const { code, extras } = problem
  const stored = storedProblem(problem)
  if (extras.effect === 'none') {
    const act = actOf(ports, work)
    return code === 'upstream-throttled' || code === 'upstream-credentials'
      ? postponed(creation, stored, retryAt(problem, act), act)
      : rejected(creation, stored, act)
  }
  // From the second attempt on, the effect of an earlier attempt may have caused the refusal.
  if (extras.effect === 'look-up' && creation.attempt === 1) {
    try {
      const findings = await lookUp(creation, ports.gateway, work)
      const ours = imageOf(creation, findings)
      if (ours) return created(creation, ours, actOf(ports, work), 'adopted')
      if (!mayBeOurs(findings)) return rejected(creation, stored, actOf(ports, work))
    } catch (error) {
      toProblem(error, work.log)
    }
  }
  return unknown(creation, stored, actOf(ports, work))
}

/** Takes over an attempt whose lease has expired. Its outcome is unknown, and its sender can no longer store a result. */
async function takeOver(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const left = await save(unknown(creation, UNSEEN, actOf(ports, work)), ports, work)
  return left.state === 'unknown' ? resolve(left, ports, work) : left
}

/** Looks for the image of an attempt. Starts another attempt only when this one can no longer have an effect. */
async function resolve(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { gateway, clock } = ports
  const later = () => put(waiting(creation, clock.now() + LOOK_AGAIN_MS), ports)
  let findings: Findings
  try {
    findings = await lookUp(creation, gateway, work)
  } catch (error) {
    toProblem(error, work.log)
    return later()
  }
  const act = actOf(ports, work)
  const ours = imageOf(creation, findings)
  if (ours) return save(created(creation, ours, act, 'adopted'), ports, work)
  if (!isAttemptOver(creation, findings.gatewayTime)) return later()
  if (mayBeOurs(findings)) return save(inConflict(creation, act), ports, work)
  if (imagesIn(withoutLost(findings)).length > 0) {
    return save(notCreated(creation, 'name-taken', act), ports, work)
  }
  return creation.attempt >= MAX_ATTEMPTS || isTooOld(creation, ports)
    ? save(notCreated(creation, 'absent', act), ports, work)
    : attempt(creation, ports, work)
}

function nameTakenBy({ imageNo, phase: status, createdAt: since }: Image): StoredProblem {
  const when = since === null ? '' : `, created ${since}`
  const detail = `The name is in use by image ${imageNo} (${status}${when}). Choose another name`
  return { code: 'name-taken', detail, facts: { nameHolder: { imageNo, status, since } } }
}

function isTooOld({ createdAt }: Creation, { clock }: Ports): boolean {
  return clock.now() > createdAt + ATTEMPT_LIMIT_MS
}

function retryAt({ extras }: Problem, { at }: Act): number {
  const seconds = extras.retryAfterSeconds
  return at + (seconds === undefined ? POSTPONED_MS : seconds * SECOND_MS)
}

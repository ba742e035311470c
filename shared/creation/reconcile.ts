import type { Image } from '../image.ts'
import { problemSeen } from '../log.ts'
import { createServerImageFromSnapshot } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import { upstreamProblem } from '../ncloud/fault.ts'
import { type Problem, type StoredProblem, storedProblem } from '../problem.ts'
import type { Work } from '../work.ts'
import {
  type Act,
  type Creation,
  created,
  inConflict,
  isOver,
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

const SECOND_MS = 1_000
/** With less time left than this a create is not begun, and it is waited for no longer than that. */
const LEAST_SEND_MS = 5 * SECOND_MS
const MOST_SEND_MS = 25 * SECOND_MS
/** Less than a minute, so that the next tick looks again. */
const LOOK_AGAIN_MS = 50 * SECOND_MS
const POSTPONED_MS = 30 * SECOND_MS
const MAX_ATTEMPTS = 3
/** For so long a creation is attempted. */
const ATTEMPTED_MS = 3_600 * SECOND_MS

/** What of a look-up does not pass by itself. */
const HOPELESS = ['upstream-permission', 'upstream-refused', 'invalid-input']

const NAME_TAKEN: StoredProblem = {
  code: 'name-taken',
  detail: 'An image that is not of this request has the name',
}
const UNSENT: StoredProblem = {
  code: 'upstream-timeout',
  detail: 'Time ran out before the request was sent',
}
const UNSEEN: StoredProblem = {
  code: 'upstream-timeout',
  detail: 'Nobody saw how the attempt ended',
}

/**
 * Moves a creation one step on, as far as one piece of work takes it. Any number of processes may do so at once, and
 * each may end anywhere: every write expects the version that was read, and who loses that race does nothing more.
 */
export async function reconcile(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
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
 * Nothing was sent, or what was sent is refused: finds the snapshots that are meant and looks for images of the name,
 * unless that was done, and attempts.
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
      // Whoever was first goes on with what it found.
      return stored === found ? begin(stored, ports, work) : stored
    }
    findings = await lookUp(creation, ports.gateway, work)
  } catch (error) {
    return save(withoutLookUp(creation, problemSeen(error, work.log), ports, work), ports, work)
  }
  const there = withoutLost(findings)
  const ours = imageOf(creation, there)
  if (ours && ours.phase !== 'deleting') {
    return save(created(creation, ours, actOf(ports, work), 'adopted'), ports, work)
  }
  if (imagesIn(there).length > 0) {
    return save(rejected(creation, NAME_TAKEN, actOf(ports, work)), ports, work)
  }
  const imagesBefore = imagesIn(findings).map(({ imageNo }) => imageNo)
  return attempt({ ...creation, imagesBefore }, ports, work)
}

/** Nothing was sent. What cannot pass by itself is the end; all else is tried again later. */
function withoutLookUp(creation: Creation, problem: Problem, ports: Ports, work: Work): Creation {
  const act = actOf(ports, work)
  return HOPELESS.includes(problem.code)
    ? rejected(creation, storedProblem(problem), act)
    : postponed(creation, storedProblem(problem), retryAt(problem, act), act)
}

/** One attempt: signed, stored, sent, stored. Its signature is older than the record of it and sent once at most. */
async function attempt(
  creation: Creation,
  ports: Ports,
  work: Work,
  mayRenew = true,
): Promise<Creation> {
  const { gateway, clock } = ports
  const { content, marker, regionCode } = creation
  const timeLeft = () => Math.min(MOST_SEND_MS, work.deadline - clock.now())
  if (timeLeft() < LEAST_SEND_MS) return creation
  const input = { ...content, marker, regionCode }
  const signed = await gateway.sign(createServerImageFromSnapshot, input, work)
  const next = sending(creation, signed.signedAt, actOf(ports, work))
  const stored = await save(next, ports, work)
  if (stored !== next) return stored
  // Awake again after a freeze: a late packet would only make for an unknown outcome.
  if (timeLeft() < LEAST_SEND_MS) {
    return save(postponed(next, UNSENT, clock.now(), actOf(ports, work)), ports, work)
  }
  let image: Image
  try {
    image = await signed.send(timeLeft())
    // The row of something else tells nothing about what was asked for.
    const { action } = image.upstream
    if (image.name !== content.name) throw upstreamProblem('malformed', { action })
  } catch (error) {
    const problem = problemSeen(error, work.log)
    const settled = await save(await afterFailure(next, problem, ports, work), ports, work)
    const again = mayRenew && problem.code === 'upstream-credentials'
    if (!again || settled.state !== 'accepted') return settled
    await gateway.renew()
    return attempt(settled, ports, work, false)
  }
  return save(created(next, image, actOf(ports, work)), ports, work)
}

/** What an attempt that failed leaves behind. */
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
  // A later attempt may be refused because of what an earlier one did.
  if (extras.effect === 'look-up' && creation.attempt === 1) {
    try {
      const findings = await lookUp(creation, ports.gateway, work)
      const ours = imageOf(creation, findings)
      if (ours) return created(creation, ours, actOf(ports, work), 'adopted')
      if (!mayBeOurs(findings)) return rejected(creation, stored, actOf(ports, work))
    } catch (error) {
      problemSeen(error, work.log)
    }
  }
  return unknown(creation, stored, actOf(ports, work))
}

/** An attempt whose owner has left: nobody knows how it ended, and the owner, should it wake, can write no more. */
async function takeOver(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const left = await save(unknown(creation, UNSEEN, actOf(ports, work)), ports, work)
  return left.state === 'unknown' ? resolve(left, ports, work) : left
}

/** Looks for what an attempt made. Only when it can make nothing any more, another one may follow. */
async function resolve(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { gateway, clock } = ports
  const later = () => put(waiting(creation, clock.now() + LOOK_AGAIN_MS), ports)
  let findings: Findings
  try {
    findings = await lookUp(creation, gateway, work)
  } catch (error) {
    problemSeen(error, work.log)
    return later()
  }
  const act = actOf(ports, work)
  const ours = imageOf(creation, findings)
  if (ours) return save(created(creation, ours, act, 'adopted'), ports, work)
  if (!isOver(creation, findings.gatewayTime)) return later()
  if (mayBeOurs(findings)) return save(inConflict(creation, act), ports, work)
  if (imagesIn(withoutLost(findings)).length > 0) {
    return save(notCreated(creation, 'name-taken', act), ports, work)
  }
  return creation.attempt >= MAX_ATTEMPTS || isTooOld(creation, ports)
    ? save(notCreated(creation, 'absent', act), ports, work)
    : attempt(creation, ports, work)
}

function isTooOld({ createdAt }: Creation, { clock }: Ports): boolean {
  return clock.now() > createdAt + ATTEMPTED_MS
}

function retryAt({ extras }: Problem, { at }: Act): number {
  const seconds = extras.retryAfterSeconds
  return at + (seconds === undefined ? POSTPONED_MS : seconds * SECOND_MS)
}

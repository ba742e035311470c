import type { Clock } from '../clock.ts'
import { type Image, isFinal } from '../image.ts'
import { logDefect } from '../log.ts'
import { readServerImage } from '../lookup.ts'
import { createServerImageFromSnapshot } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import type { Gateway } from '../ncloud/gateway.ts'
import { type Problem, problemOf, type StoredProblem, storedProblem } from '../problem.ts'
import type { Site } from '../settings.ts'
import type { Work } from '../work.ts'
import {
  type Act,
  type Creation,
  created,
  createdAt,
  inConflict,
  isDue,
  isOver,
  nextLook,
  notCreated,
  postponed,
  rejected,
  seen,
  sending,
  unknown,
  waiting,
} from './creation.ts'
import { byUse, type Findings, imageOf, isAnything, lookUp, mayBeOurs } from './look-up.ts'
import type { CreationStore } from './store.ts'

const SECOND_MS = 1_000
/** With less time left than this a create is not begun. */
const LEAST_SEND_MS = 5 * SECOND_MS
/** Less than a minute, so that the next tick looks again. */
const LOOK_AGAIN_MS = 50 * SECOND_MS
const POSTPONED_MS = 30 * SECOND_MS
const MAX_ATTEMPTS = 3
/** For so long a creation is attempted. */
const ATTEMPTED_MS = 3_600 * SECOND_MS
/** For so long a new image may be missing from answers without being gone. */
const APPEARS_WITHIN_MS = 900 * SECOND_MS
const FRESH_MS = 5 * SECOND_MS

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

/** What creations are moved with. */
export interface Ports {
  /** The zone of NAVER Cloud, part of what a key means. */
  site: Site
  gateway: Gateway
  store: CreationStore
  clock: Clock
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

/** The creation with its image as it is now, as far as the gateway tells. */
export async function refreshed(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { gateway, store, clock } = ports
  const { image, regionCode } = creation
  if (!image) return creation
  let read: Image
  try {
    read = await readServerImage(gateway, { imageNo: image.imageNo, regionCode }, work)
  } catch (error) {
    const { code, extras } = problemSeen(error, work)
    // Judged on the gateway's clock: those of two relays may differ by more than the image's age.
    const madeAt = image.createdAt === null ? createdAt(creation) : Date.parse(image.createdAt)
    const isGone = (extras.gatewayTime ?? 0) >= madeAt + APPEARS_WITHIN_MS
    if (code !== 'image-not-found' || !isGone) return creation
    read = { ...image, phase: 'gone' }
  }
  return put(seen(creation, read, clock.now()), store)
}

/** The creation as a reader wants it: its image read again where it may have moved on. */
export async function current(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { image, imageReadAt } = creation
  if (!image || isFinal(image.phase)) return creation
  const isFresh = ports.clock.now() < (imageReadAt ?? 0) + FRESH_MS
  return isFresh ? creation : refreshed(creation, ports, work)
}

/** Stores the next version and logs where it came to; where another write came first, that one's holds. */
export async function save(next: Creation, ports: Ports, work: Work): Promise<Creation> {
  if (!(await ports.store.replace(next))) return latest(next, ports.store)
  logTransition(next, work)
  return next
}

/** Logs the state that a creation has come to. */
export function logTransition({ creationId, state, attempt, problem }: Creation, { log }: Work) {
  const code = problem && { code: problem.code }
  log({ event: 'transition', creationId, state, attempt, ...code })
}

/** Who acts, and when. */
export function actOf({ clock }: Ports, { actor }: Work): Act {
  return { at: clock.now(), actor }
}

/** Nothing was sent, or what was sent is refused: looks for images of the name, unless that was done, and attempts. */
async function begin(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { problem } = creation
  if (problem && isTooOld(creation, ports)) {
    return save(rejected(creation, problem, actOf(ports, work)), ports, work)
  }
  if (creation.attempt > 0) return attempt(creation, ports, work)
  let findings: Findings
  try {
    findings = await lookUp(creation, ports.gateway, work)
  } catch (error) {
    return save(withoutLookUp(creation, problemSeen(error, work), ports, work), ports, work)
  }
  const { found, lost } = byUse(findings)
  const ours = imageOf(creation, found)
  if (ours && ours.phase !== 'deleting') {
    return save(created(creation, ours, actOf(ports, work), 'adopted'), ports, work)
  }
  if (isAnything(found)) {
    return save(rejected(creation, NAME_TAKEN, actOf(ports, work)), ports, work)
  }
  return attempt({ ...creation, imagesBefore: lost }, ports, work)
}

/** Nothing was sent. What cannot pass by itself is the end; all else is tried again later. */
function withoutLookUp(creation: Creation, problem: Problem, ports: Ports, work: Work): Creation {
  const act = actOf(ports, work)
  const isEnd = problem.code === 'upstream-permission' || problem.code === 'upstream-refused'
  return isEnd
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
  const { gateway, store, clock } = ports
  const { content, marker, regionCode } = creation
  const hasTime = () => work.deadline - clock.now() >= LEAST_SEND_MS
  if (!hasTime()) return creation
  const input = { ...content, marker, regionCode }
  const signed = await gateway.sign(createServerImageFromSnapshot, input, work)
  const next = sending(creation, signed.signedAt, actOf(ports, work))
  if (!(await store.replace(next))) return latest(next, store)
  logTransition(next, work)
  // Awake again after a freeze: a late packet would only make for an unknown outcome.
  if (!hasTime()) return save(postponed(next, UNSENT, clock.now(), actOf(ports, work)), ports, work)
  let image: Image
  try {
    image = await signed.send(work.deadline - clock.now())
  } catch (error) {
    const problem = problemSeen(error, work)
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
      problemSeen(error, work)
    }
  }
  return unknown(creation, stored, actOf(ports, work))
}

/** An attempt whose owner has left: nobody knows how it ended, and the owner, should it wake, can write no more. */
async function takeOver(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  if (!isDue(creation, ports.clock.now())) return creation
  const left = await save(unknown(creation, UNSEEN, actOf(ports, work)), ports, work)
  return left.state === 'unknown' ? resolve(left, ports, work) : left
}

/** Looks for what an attempt made. Only when it can make nothing any more, another one may follow. */
async function resolve(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { gateway, store, clock } = ports
  const later = () => put(waiting(creation, clock.now() + LOOK_AGAIN_MS), store)
  let findings: Findings
  try {
    findings = await lookUp(creation, gateway, work)
  } catch (error) {
    problemSeen(error, work)
    return later()
  }
  const act = actOf(ports, work)
  const ours = imageOf(creation, findings)
  if (ours) return save(created(creation, ours, act, 'adopted'), ports, work)
  if (!isOver(creation, findings.gatewayTime)) return later()
  if (mayBeOurs(findings)) return save(inConflict(creation, act), ports, work)
  if (isAnything(findings)) return save(notCreated(creation, 'name-taken', act), ports, work)
  return creation.attempt >= MAX_ATTEMPTS || isTooOld(creation, ports)
    ? save(notCreated(creation, 'absent', act), ports, work)
    : attempt(creation, ports, work)
}

/** Reads the image again, until it is final or a day has passed. */
async function follow(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { store, clock } = ports
  const next = await refreshed(creation, ports, work)
  return next === creation ? put(waiting(creation, nextLook(creation, clock.now())), store) : next
}

function isTooOld({ createdAt }: Creation, { clock }: Ports): boolean {
  return clock.now() > createdAt + ATTEMPTED_MS
}

/** Stores the next version; where another write came first, what that one wrote is what holds. */
async function put(next: Creation, store: CreationStore): Promise<Creation> {
  return (await store.replace(next)) ? next : latest(next, store)
}

async function latest(creation: Creation, store: CreationStore): Promise<Creation> {
  return (await store.read(creation.creationId)) ?? creation
}

/** What an error means; a defect is logged, because the creation goes on without it being answered. */
function problemSeen(error: unknown, { log }: Work): Problem {
  const problem = problemOf(error)
  if (problem.code === 'internal') logDefect(error, log)
  return problem
}

function retryAt({ extras }: Problem, { at }: Act): number {
  const seconds = extras.retryAfterSeconds
  return at + (seconds === undefined ? POSTPONED_MS : seconds * SECOND_MS)
}

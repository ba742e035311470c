import type { Clock } from '../clock.ts'
import { type Image, isFinal, isLost } from '../image.ts'
import { logDefect } from '../log.ts'
import { ownImages, readServerImage } from '../lookup.ts'
import { createServerImageFromSnapshot } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import type { Gateway } from '../ncloud/gateway.ts'
import { Problem, problemOf, storedProblem } from '../problem.ts'
import type { Site } from '../settings.ts'
import type { Work } from '../work.ts'
import { type Creation, created, postponed, rejected, seen, sending, unknown } from './creation.ts'
import type { CreationStore } from './store.ts'

const SECOND_MS = 1_000
/** With less time left than this a create is not begun. */
const LEAST_SEND_MS = 5 * SECOND_MS
/** From when on an unknown outcome is looked for. */
const FIRST_LOOK_UP_MS = 30 * SECOND_MS
const POSTPONED_MS = 30 * SECOND_MS
/** For so long a creation that was put off is tried again. */
const POSTPONED_AT_MOST_MS = 3_600 * SECOND_MS
/** For so long a new image may be missing from answers without being gone. */
const APPEARS_WITHIN_MS = 900 * SECOND_MS
const FRESH_MS = 5 * SECOND_MS

/** What creations are moved with. */
export interface Ports {
  /** The zone of NAVER Cloud, part of what a key means. */
  site: Site
  gateway: Gateway
  store: CreationStore
  clock: Clock
}

/**
 * Moves an accepted creation as far as one piece of work takes it: look-up by name, attempt, outcome. Any other comes
 * back as it is.
 */
export async function advance(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { store, clock } = ports
  const now = clock.now()
  if (creation.state !== 'accepted') return creation
  if (creation.problem && now > creation.createdAt + POSTPONED_AT_MOST_MS) {
    return save(rejected(creation, creation.problem, now), store, work)
  }
  if (creation.attempt > 0) return attempt(creation, ports, work)
  const before = await lookUpBefore(creation, ports, work)
  return before ? save(before, store, work) : attempt(creation, ports, work)
}

/** The creation with its image as it is now, as far as the gateway tells. */
export async function refreshed(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { gateway, store, clock } = ports
  const { image, regionCode } = creation
  if (!image) return creation
  let now: Image
  try {
    now = await readServerImage(gateway, { imageNo: image.imageNo, regionCode }, work)
  } catch (error) {
    const isAbsent = problemSeen(error, work).code === 'image-not-found'
    const createdAt = creation.history.findLast(({ to }) => to === 'created')?.at ?? 0
    if (!isAbsent || clock.now() < createdAt + APPEARS_WITHIN_MS) return creation
    now = { ...image, phase: 'gone' }
  }
  const next = seen(creation, now, clock.now())
  return (await store.replace(next)) ? next : latest(creation, store)
}

/** The creation as a reader wants it: its image read again where it may have moved on. */
export async function current(creation: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { image, imageReadAt } = creation
  if (!image || isFinal(image.phase)) return creation
  const isFresh = ports.clock.now() < (imageReadAt ?? 0) + FRESH_MS
  return isFresh ? creation : refreshed(creation, ports, work)
}

/** What a look-up before the first attempt makes of a creation; `undefined` when nothing is in its way. */
async function lookUpBefore(
  creation: Creation,
  { gateway, clock }: Ports,
  work: Work,
): Promise<Creation | undefined> {
  try {
    const found = await lookUp(creation, gateway, work)
    if (found === 'nothing') return undefined
    if (found !== 'other') return created(creation, found, clock.now(), 'adopted')
    const taken = new Problem('name-taken', 'An image that is not of this request has the name')
    return rejected(creation, storedProblem(taken), clock.now())
  } catch (error) {
    // Nothing was sent. What cannot pass by itself is the end; all else is tried again later.
    const problem = problemSeen(error, work)
    const { code } = problem
    return code === 'upstream-permission' || code === 'upstream-refused'
      ? rejected(creation, storedProblem(problem), clock.now())
      : postponed(creation, storedProblem(problem), retryAt(problem, clock), clock.now())
  }
}

/** The image of this creation, if it exists; else whether another one has its name. */
async function lookUp(creation: Creation, gateway: Gateway, work: Work) {
  const { content, marker, regionCode } = creation
  const rows = await ownImages(gateway, content.name, { regionCode }, work)
  // An image that failed holds no name: it may well be the reason why another one is wanted.
  const there = rows.filter(({ image }) => !isLost(image.phase))
  const [ours, ...more] = there.filter(
    (row) =>
      row.marker === marker &&
      row.image.phase !== 'deleting' &&
      isBaseOf(content.storages[0]?.snapshotNo, row.image),
  )
  if (ours && more.length === 0) return ours.image
  return there.length === 0 ? 'nothing' : 'other'
}

function isBaseOf(snapshotNo: string | undefined, image: Image): boolean {
  const base = image.storages?.find(({ order }) => order === 0)?.snapshotNo ?? null
  return base === null || base === snapshotNo
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
  if (work.deadline - clock.now() < LEAST_SEND_MS) return creation
  const input = { ...content, marker, regionCode }
  const signed = await gateway.sign(createServerImageFromSnapshot, input, work)
  const next = sending(creation, signed.signedAt, clock.now())
  if (!(await store.replace(next))) return latest(creation, store)
  logTransition(next, work)
  let image: Image
  try {
    image = await signed.send(work.deadline - clock.now())
  } catch (error) {
    const problem = problemSeen(error, work)
    const settled = await save(await afterFailure(next, problem, ports, work), store, work)
    const again = mayRenew && problem.code === 'upstream-credentials'
    if (!again || settled.state !== 'accepted') return settled
    await gateway.renew()
    return attempt(settled, ports, work, false)
  }
  return save(created(next, image, clock.now()), store, work)
}

/** What an attempt that failed leaves behind. */
async function afterFailure(
  creation: Creation,
  problem: Problem,
  { gateway, clock }: Ports,
  work: Work,
): Promise<Creation> {
  const { code, extras } = problem
  const stored = storedProblem(problem)
  if (extras.effect === 'none') {
    return code === 'upstream-throttled' || code === 'upstream-credentials'
      ? postponed(creation, stored, retryAt(problem, clock), clock.now())
      : rejected(creation, stored, clock.now())
  }
  // A later attempt may be refused because of what an earlier one did.
  if (extras.effect === 'look-up' && creation.attempt === 1) {
    try {
      const found = await lookUp(creation, gateway, work)
      return typeof found === 'string'
        ? rejected(creation, stored, clock.now())
        : created(creation, found, clock.now(), 'adopted')
    } catch (error) {
      problemSeen(error, work)
    }
  }
  return unknown(creation, stored, clock.now() + FIRST_LOOK_UP_MS, clock.now())
}

/** Stores the next version; where another write came first, what that one wrote is what holds. */
async function save(next: Creation, store: CreationStore, work: Work): Promise<Creation> {
  if (!(await store.replace(next))) return latest(next, store)
  logTransition(next, work)
  return next
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

/** Logs the state that a creation has come to. */
export function logTransition({ creationId, state, attempt, problem }: Creation, { log }: Work) {
  const code = problem && { code: problem.code }
  log({ event: 'transition', creationId, state, attempt, ...code })
}

function retryAt(problem: Problem, clock: Clock): number {
  const seconds = problem.extras.retryAfterSeconds
  return clock.now() + (seconds === undefined ? POSTPONED_MS : seconds * SECOND_MS)
}

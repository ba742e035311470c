import type { Caller } from '../caller.ts'
import { sha256Hex } from '../digest.ts'
import { problemSeen } from '../log.ts'
import { markerOf } from '../marker.ts'
import { createServerImageFromSnapshot } from '../ncloud/actions/create-server-image-from-snapshot.ts'
import type { Notice } from '../notice.ts'
import { Problem } from '../problem.ts'
import type { ReplyTo } from '../question.ts'
import type { Site } from '../settings.ts'
import type { Work } from '../work.ts'
import {
  accepted,
  type Claim,
  type Creation,
  isDue,
  isLive,
  type Run,
  type WantedContent,
} from './creation.ts'
import { current, refreshed } from './follow.ts'
import { actOf, type Ports } from './ports.ts'
import { reconcile } from './reconcile.ts'
import { logTransition } from './record.ts'
import type { Claimed } from './store.ts'

const DAY_MS = 86_400_000

/** What somebody wants made. */
export interface Wish {
  caller: Caller
  /** The caller's own key; without one the name in its region stands for it. */
  key?: string | undefined
  regionCode: string
  content: WantedContent
  notify: string[]
  /** Where in a chat it is asked for. */
  replyTo?: ReplyTo | undefined
  /** Of a job; `template` is what the image's name is made of. */
  run?: (Run & { template: string }) | undefined
}

/**
 * Makes an image once: claims key and name, then moves the creation as far as time allows. The same wish again gives
 * the same creation.
 *
 * @throws Problem `forbidden`, `idempotency-key-reused`, `name-taken` or `quota-exceeded`
 */
export async function create(
  wish: Wish,
  ports: Ports,
  work: Work,
): Promise<{ creation: Creation; isReplay: boolean }> {
  const claim = await claimOf(wish, ports.site)
  const { creation, isReplay } = await claimed(claim, wish.caller, ports, work)
  // A repeat leaves the first request its time: it goes on only with what lies idle.
  if (isReplay && !isDue(creation, ports.clock.now())) return { creation, isReplay }
  return { creation: await asFarAsStored(reconcile, creation, ports, work), isReplay }
}

/**
 * What is claimed is never answered with a failure, which would invite a repeat: where the store fails on the way, what
 * it holds, or held, is told, and the tick goes on with it.
 */
async function asFarAsStored(
  move: typeof reconcile,
  creation: Creation,
  ports: Ports,
  work: Work,
): Promise<Creation> {
  try {
    return await move(creation, ports, work)
  } catch (error) {
    problemSeen(error, work.log)
    const stored = await ports.store.read(creation.creationId).catch(() => undefined)
    return stored ?? creation
  }
}

/** The claim that a wish makes. @throws Problem `forbidden` where the caller may not use the name */
export async function claimOf(wish: Wish, site: Site): Promise<Claim> {
  const { caller, key, regionCode, content, notify, replyTo, run } = wish
  if (!content.name.startsWith(caller.namePrefix ?? '')) {
    throw new Problem('forbidden', 'The key may not make images of that name')
  }
  const { name: action } = createServerImageFromSnapshot
  const scope = key === undefined ? ['name', regionCode, content.name] : ['key', key]
  const keyHash = await sha256Hex(JSON.stringify([site, caller.name, action, ...scope]))
  return {
    creationId: `cr_${crypto.randomUUID().replaceAll('-', '')}`,
    keyHash,
    keyIsExplicit: key !== undefined,
    fingerprint: await fingerprintOf(wish),
    caller: caller.name,
    regionCode,
    content,
    run: run && { job: run.job, minute: run.minute },
    notify,
    ...(replyTo && { replyTo }),
    marker: markerOf(keyHash),
  }
}

/**
 * Stays as it is whatever becomes of how a call is printed: stored fingerprints outlive a deployment. Of a job it is over
 * the job, not over what that comes to at a time: who asks for a run again, a minute later, means the same.
 */
function fingerprintOf({ content, regionCode, run }: Wish): Promise<string> {
  const { name, description, storages } = content
  const storage = storages.map((one) => [
    one.snapshotNo ?? null,
    one.sizeGb ?? null,
    one.volumeType ?? null,
    ...(one.latestSnapshotOf ? [one.latestSnapshotOf, one.maxAgeHours] : []),
  ])
  const what = [regionCode, run?.template ?? name, description || null, storage]
  return sha256Hex(JSON.stringify(run ? [...what, run.job] : what))
}

/**
 * The creation that a claim came to: a new one, or the one that the same wish made before. With a grace of 0 the next tick
 * goes on with it.
 * @throws Problem `idempotency-key-reused`, `name-taken` or `quota-exceeded`
 */
export async function claimed(
  claim: Claim,
  caller: Caller,
  ports: Ports,
  work: Work,
  graceMs?: number,
) {
  for (let looked = false; ; looked = true) {
    const creation = accepted(claim, actOf(ports, work), graceMs)
    const result = await tryClaim(creation, caller, ports, [])
    if (result.outcome === 'claimed') {
      logTransition(creation, work)
      return { creation, isReplay: false }
    }
    if (result.outcome === 'quota-spent') throw quotaExceeded(creation.createdAt)

    const { holder, outcome } = result
    const isSame = outcome === 'key-held' && holder.fingerprint === claim.fingerprint
    if (outcome === 'key-held' && claim.keyIsExplicit) {
      if (!isSame) {
        throw new Problem('idempotency-key-reused', 'The key was used with other content')
      }
      return { creation: await asFarAsStored(current, holder, ports, work), isReplay: true }
    }
    // The name decides. A created image may have failed or gone since, and left it free.
    const seen = looked ? holder : await asFarAsStored(refreshed, holder, ports, work)
    if (!isLive(seen)) continue
    if (!isSame) throw new Problem('name-taken', 'A live creation has the name')
    return { creation: seen, isReplay: true }
  }
}

/** A claim that may have been stored though its answer was lost, or delivered twice: nobody else has its id. */
export async function tryClaim(
  creation: Creation,
  { dailyCreations }: Caller,
  { store }: Ports,
  notices: Notice[],
): Promise<Claimed> {
  const { creationId, createdAt } = creation
  const quota = { dailyCreations, today: createdAt - (createdAt % DAY_MS) }
  let result: Claimed
  try {
    result = await store.claim(creation, quota, notices)
  } catch (error) {
    if (await store.read(creationId)) return { outcome: 'claimed' }
    throw error
  }
  const isOwn = 'holder' in result && result.holder.creationId === creationId
  return isOwn ? { outcome: 'claimed' } : result
}

function quotaExceeded(now: number): Problem {
  const retryAfterSeconds = Math.ceil((DAY_MS - (now % DAY_MS)) / 1_000)
  const detail = 'The key has made its creations for this UTC day'
  return new Problem('quota-exceeded', detail, { retryAfterSeconds })
}

import { type Caller, sha256Hex } from '../caller.ts'
import { logDefect } from '../log.ts'
import { markerOf } from '../marker.ts'
import {
  createServerImageFromSnapshot,
  type ImageContent,
} from '../ncloud/actions/create-server-image-from-snapshot.ts'
import { Problem } from '../problem.ts'
import type { Site } from '../settings.ts'
import type { Work } from '../work.ts'
import { accepted, type Claim, type Creation, isDue, isLive } from './creation.ts'
import { actOf, current, logTransition, type Ports, reconcile, refreshed } from './reconcile.ts'

const DAY_MS = 86_400_000

/** What somebody wants made. */
export interface Wish {
  caller: Caller
  /** The caller's own key; without one the name in its region stands for it. */
  key?: string | undefined
  regionCode: string
  content: ImageContent
  notify: string[]
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
  try {
    return { creation: await reconcile(creation, ports, work), isReplay }
  } catch (error) {
    // It is claimed, and the tick goes on with it: a failure here must not invite a repeat.
    logDefect(error, work.log)
    return { creation, isReplay }
  }
}

/** The claim that a wish makes. @throws Problem `forbidden` where the caller may not use the name */
export async function claimOf(wish: Wish, site: Site): Promise<Claim> {
  const { caller, key, regionCode, content, notify } = wish
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
    fingerprint: await fingerprintOf(content, regionCode),
    caller: caller.name,
    regionCode,
    content,
    notify,
    marker: markerOf(keyHash),
  }
}

/** Stays as it is whatever becomes of how a call is printed: stored fingerprints outlive a deployment. */
function fingerprintOf(content: ImageContent, regionCode: string): Promise<string> {
  const { name, description, storages } = content
  const storage = storages.map(({ snapshotNo, sizeGb, volumeType }) => [
    snapshotNo ?? null,
    sizeGb ?? null,
    volumeType ?? null,
  ])
  return sha256Hex(JSON.stringify([regionCode, name, description || null, storage]))
}

/** The creation that a claim came to: a new one, or the one that the same wish made before. */
async function claimed(claim: Claim, caller: Caller, ports: Ports, work: Work) {
  const { store, clock } = ports
  for (let looked = false; ; looked = true) {
    const now = clock.now()
    const creation = accepted(claim, actOf(ports, work))
    const quota = { dailyCreations: caller.dailyCreations, today: now - (now % DAY_MS) }
    const result = await store.claim(creation, quota)
    if (result.outcome === 'claimed') {
      logTransition(creation, work)
      return { creation, isReplay: false }
    }
    if (result.outcome === 'quota-spent') throw quotaExceeded(now)

    const { holder, outcome } = result
    const isSame = outcome === 'key-held' && holder.fingerprint === claim.fingerprint
    if (outcome === 'key-held' && claim.keyIsExplicit) {
      if (!isSame)
        throw new Problem('idempotency-key-reused', 'The key was used with other content')
      return { creation: await current(holder, ports, work), isReplay: true }
    }
    // The name decides. A created image may have failed or gone since, and left it free.
    const seen = looked ? holder : await refreshed(holder, ports, work)
    if (!isLive(seen)) continue
    if (!isSame) throw new Problem('name-taken', 'A live creation has the name')
    return { creation: seen, isReplay: true }
  }
}

function quotaExceeded(now: number): Problem {
  const retryAfterSeconds = Math.ceil((DAY_MS - (now % DAY_MS)) / 1_000)
  const detail = 'The key has made its creations for this UTC day'
  return new Problem('quota-exceeded', detail, { retryAfterSeconds })
}

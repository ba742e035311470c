import type { Caller } from '../caller.ts'
import type { ReplyTo } from '../chat/question.ts'
import type { Context } from '../context.ts'
import { toProblem } from '../log.ts'
import { type Notice, noticeRecord } from '../outbox/notice.ts'
import { type NameHolder, Problem } from '../problem.ts'
import type { ClaimResult, Listing } from '../store/store.ts'
import { sha256Hex } from '../web/digest.ts'
import { DAY_MS } from '../web/durations.ts'
import { rfc3339 } from '../web/rfc3339.ts'
import { imageName } from './create-image/holds.ts'
import { refreshIfStale, refreshImage } from './follow.ts'
import { markerOf } from './marker.ts'
import {
  accept,
  type Claim,
  isDue,
  isLive,
  mayRead,
  type Operation,
  type Run,
  statusOf,
  type WantedContent,
} from './operation.ts'
import { reconcile } from './reconcile.ts'
import { logTransition } from './save.ts'

const PAGE_SIZE = 100

/** An explicit key of a request. Keys of different origins are different, even if their values are equal. */
export interface RequestKey {
  origin: 'idempotency-key' | 'chat-button' | 'scheduled-minute'
  value: string
}

/** A request for an image. */
export interface CreateRequest {
  caller: Caller
  /** An explicit key. Without one, region and name are the key. */
  key?: RequestKey | undefined
  regionCode: string
  content: WantedContent
  notify: string[]
  /** The place in a chat where it was requested. */
  replyTo?: ReplyTo | undefined
  /** The run of a job; `template` is the job's template of the image's name. */
  run?: (Run & { template: string }) | undefined
}

/**
 * Creates an image exactly once: claims key and name, then reconciles the operation. A repeated request returns the same
 * operation. A request from a chat is only claimed, and left to the next tick.
 *
 * @throws Problem `forbidden`, `idempotency-key-reused`, `name-taken` or `quota-exceeded`
 */
export async function create(
  request: CreateRequest,
  context: Context,
): Promise<{ operation: Operation; isReplay: boolean }> {
  const { caller, replyTo } = request
  const claim = await newClaim(request, context)
  if (replyTo) return claimOperation(claim, { caller, leaseMs: 0 }, context)
  const { operation, isReplay } = await claimOperation(claim, { caller }, context)
  // The first request may still be running, so a repeat continues only an operation that is due.
  if (isReplay && !isDue(operation, context.clock.now())) return { operation, isReplay }
  return { operation: await asFarAsStored(reconcile, operation, context), isReplay }
}

/**
 * Continues a claimed operation. Returns the stored operation even if a step fails, because an error would make the caller
 * repeat the request. The tick continues it later.
 */
async function asFarAsStored(
  move: typeof reconcile,
  operation: Operation,
  context: Context,
): Promise<Operation> {
  try {
    return await move(operation, context)
  } catch (error) {
    toProblem(error, context.log)
    const stored = await context.store
      .get('operation', operation.operationId)
      .catch(() => undefined)
    return stored ?? operation
  }
}

/** Returns the claim for a request. @throws Problem `forbidden` if the caller may not use the name */
export async function newClaim(
  request: CreateRequest,
  { relayName, site }: Pick<Context, 'relayName' | 'site'>,
): Promise<Claim> {
  const { caller, key, regionCode, content, notify, replyTo, run } = request
  if (!content.name.startsWith(caller.namePrefix ?? '')) {
    const detail = `This API key creates only images whose names begin with ${caller.namePrefix}`
    throw new Problem('forbidden', detail)
  }
  const scope = key ? [key.origin, key.value] : ['name', regionCode, content.name]
  const keyHash = await sha256Hex(
    JSON.stringify([relayName, site, caller.name, 'createImage', ...scope]),
  )
  return {
    operationId: `op_${crypto.randomUUID().replaceAll('-', '')}`,
    keyHash,
    keyIsExplicit: key !== undefined,
    fingerprint: await fingerprintOf(request),
    caller: caller.name,
    regionCode,
    content,
    holds: [imageName(regionCode, content.name)],
    run: run && { job: run.job, minute: run.minute },
    notify,
    ...(replyTo && { replyTo }),
    marker: markerOf(keyHash),
  }
}

/**
 * Returns the hash of a request's content. The hashed form must not change, because stored fingerprints outlive a
 * deployment. For a run it contains the job's name template instead of the image's name, so that a repeat one minute later
 * has the same fingerprint.
 */
function fingerprintOf({ content, regionCode, run }: CreateRequest): Promise<string> {
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
 * Claims key and name. Returns the new operation, or the existing operation of the same request. With a lease of 0, the next
 * tick continues a new operation.
 * @throws Problem `idempotency-key-reused`, `name-taken` or `quota-exceeded`
 */
export async function claimOperation(
  claim: Claim,
  { caller, leaseMs }: { caller: Caller; leaseMs?: number },
  context: Context,
) {
  for (let looked = false; ; looked = true) {
    const operation = accept(claim, context, leaseMs)
    const result = await claimOnce(operation, caller, [], context)
    if (result.outcome === 'ok') {
      logTransition(operation, context)
      return { operation, isReplay: false }
    }
    if (result.outcome === 'quota-spent') throw quotaExceeded(caller, operation.createdAt)

    const { holder } = result
    const hasKey = holder.keyHash === claim.keyHash
    const isSame = hasKey && holder.fingerprint === claim.fingerprint
    if (hasKey && claim.keyIsExplicit) {
      if (!isSame) {
        throw new Problem('idempotency-key-reused', 'The key was used with other content')
      }
      return { operation: await asFarAsStored(refreshIfStale, holder, context), isReplay: true }
    }
    // The name is in use. Its image may have failed or been deleted since the last read, so read it once more.
    const seen = looked ? holder : await asFarAsStored(refreshImage, holder, context)
    if (!isLive(seen)) continue
    if (!isSame) throw nameTaken(seen, caller)
    return { operation: seen, isReplay: true }
  }
}

/** Makes one claim. If the store's answer was lost or the claim arrived twice, it recognises its operation by the id. */
export async function claimOnce(
  operation: Operation,
  { dailyCreations }: Caller,
  notices: Notice[],
  { store }: Context,
): Promise<ClaimResult> {
  const { operationId, createdAt } = operation
  const quota = { max: dailyCreations, since: startOfDay(createdAt) }
  let result: ClaimResult
  try {
    result = await store.claim(operation, { quota, with: notices.map(noticeRecord) })
  } catch (error) {
    if (await store.get('operation', operationId)) return { outcome: 'ok' }
    throw error
  }
  const isOwn = 'holder' in result && result.holder.operationId === operationId
  return isOwn ? { outcome: 'ok' } : result
}

function nameTaken(holder: Operation, caller: Caller): Problem {
  const status = statusOf(holder)
  const since = rfc3339(holder.updatedAt)
  const operationId = mayRead(holder, caller) ? holder.operationId : undefined
  const by = operationId ? `operation ${operationId}` : "another caller's operation"
  const detail = `The name is in use by ${by} (${status} since ${since}). Choose another name`
  const nameHolder: NameHolder = { operationId, status, since }
  return new Problem('name-taken', detail, { operationId, facts: { nameHolder } })
}

/** Returns the problem of a caller that has reached the daily limit. */
function quotaExceeded({ dailyCreations = 0 }: Caller, now: number): Problem {
  const retryAfterSeconds = Math.ceil((DAY_MS - (now % DAY_MS)) / 1_000)
  const detail = `Daily limit of ${dailyCreations} creations reached; the next is possible at 00:00 UTC (09:00 KST/JST)`
  return new Problem('quota-exceeded', detail, { retryAfterSeconds, facts: { dailyCreations } })
}

/** Throws if a caller has reached the daily limit, before anything is claimed. @throws Problem `quota-exceeded` */
export async function mustHaveQuota(caller: Caller, { store, clock }: Context): Promise<void> {
  const { name, dailyCreations = Number.POSITIVE_INFINITY } = caller
  const now = clock.now()
  const today = startOfDay(now)
  let made = 0
  for (let after: Listing['after']; made < dailyCreations; ) {
    const page = await store.list({ of: { caller: name }, limit: PAGE_SIZE, after })
    made += page.filter(({ createdAt }) => createdAt >= today).length
    after = page.at(-1)
    if (page.length < PAGE_SIZE || !after || after.createdAt < today) break
  }
  if (made >= dailyCreations) throw quotaExceeded(caller, now)
}

/** Returns the last midnight in UTC. Times are milliseconds since the epoch. */
function startOfDay(now: number): number {
  return now - (now % DAY_MS)
}

import type { Caller } from '../caller.ts'
import type { Context } from '../context.ts'
import { toProblem } from '../log.ts'
import { type Notice, noticeRecord } from '../outbox/notice.ts'
import { type NameHolder, Problem } from '../problem.ts'
import type { ClaimResult } from '../store/store.ts'
import { rfc3339 } from '../web/rfc3339.ts'
import { refreshIfStale, refreshResult } from './follow.ts'
import { isLive, mayRead, type Operation, statusOf } from './operation.ts'
import { quotaExceeded, startOfDay } from './quota.ts'
import { logTransition } from './save.ts'
import { accept, type Claim } from './transitions.ts'

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
    const seen = looked ? holder : await asFarAsStored(refreshResult, holder, context)
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

/**
 * Continues a claimed operation. Returns the stored operation even if a step fails, because an error would make the caller
 * repeat the request. The tick continues it later.
 */
export async function asFarAsStored(
  move: (operation: Operation, context: Context) => Promise<Operation>,
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

import type { Operation } from '../../shared/operations/operation.ts'
import { type MadeImage, markOf } from './hostile-gateway.ts'
import type { Outcome } from './schedule.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
/** The maximum time until an unknown outcome is known in a calm world: the horizon, two ticks and 30 s for packets. */
const KNOWN_WITHIN_MS = 630 * SECOND + 2 * MINUTE + 30 * SECOND

/** Returns the rules that a schedule broke. There must be none. */
export function faultsOf({ gateway, ledger, replies, plan }: Outcome): string[] {
  const faults = [...ledger.faults]
  const operations = ledger.operations()
  const images = new Map<string, MadeImage[]>(
    operations.map(({ operationId }) => [operationId, []]),
  )
  for (const image of gateway.images) {
    if (image.timestamp === undefined) continue
    const [owner] = ledger.signers(`${markOf(image.description ?? '')}@${image.timestamp}`)
    if (owner) images.get(owner)?.push(image)
    else faults.push('lost: an image without a signed attempt')
  }
  for (const operation of operations) {
    faults.push(...faultsOfOne(operation, images.get(operation.operationId) ?? [], gateway.images))
    const ending = operation.state === 'applied' ? operation.result?.phase : operation.state
    if (ledger.announced(operation.operationId).at(-1) !== ending)
      faults.push('not announced: the final outcome')
    if (operation.state === 'conflict' && !isAmbiguous(plan))
      faults.push('a conflict without a cause')
  }
  for (const [signature, count] of gateway.arrivals) {
    if (count > ledger.signers(signature).length) faults.push('an attempt arrived twice')
  }
  if (plan.isCalm && plan.manners.hasDate) {
    // One host sets the due time, and another reads it by its own clock.
    const spread = Math.max(...plan.hosts) - Math.min(...plan.hosts)
    // A look-up that is late may use up its tick.
    const limit = KNOWN_WITHIN_MS + gateway.lateReads() * MINUTE + spread
    const isLate = ledger.waits.some((wait) => wait > limit)
    if (isLate) faults.push('late: an outcome was unknown for too long')
  }
  return [...faults, ...faultsOfReplies(replies)]
}

function faultsOfOne(operation: Operation, made: MadeImage[], all: MadeImage[]): string[] {
  const { state, result: image } = operation
  if (made.length > 1) return ['duplicate: two images of one operation']
  const [own] = made
  switch (state) {
    case 'applied': {
      if (own && all.some((image) => isForgotten(image, operation))) {
        return ['duplicate: there was an image of the same key and name']
      }
      const reported = all.find(({ no }) => no === image?.imageNo)
      if (!reported) return ['lie: created, but the image does not exist']
      if (own && own !== reported) return ['lost: created, but with another image']
      if (markOf(reported.description ?? '') !== operation.marker)
        return ['lie: the image of another operation']
      const phase = reported.makingFails ? 'failed' : 'ready'
      return image?.phase === phase ? [] : [`stuck: the image is ${phase}, not ${image?.phase}`]
    }
    case 'rejected':
    case 'not_applied':
      return own ? [`lie: ${state}, but there is an image`] : []
    case 'conflict':
      return []
    default:
      return [`stuck: ${state}`]
  }
}

/** True if the relay made the image before it lost its database. */
function isForgotten({ timestamp, name, description }: MadeImage, operation: Operation): boolean {
  const isOurs = markOf(description ?? '') === operation.marker
  return isOurs && timestamp === undefined && name === operation.name
}

/** True if images may lack the relay's marker. Then a person must decide whose they are. */
function isAmbiguous({ manners, foreignAt }: Outcome['plan']): boolean {
  return !manners.hasDescriptions || manners.wipedDescriptions > 0 || foreignAt !== undefined
}

function faultsOfReplies(replies: Outcome['replies']): string[] {
  const faults: string[] = []
  const byOperation = Map.groupBy(replies, ({ operation }) => operation.operationId)
  for (const group of byOperation.values()) {
    const nos = group.flatMap(({ operation }) => operation.result?.imageNo ?? [])
    if (new Set(nos).size > 1) faults.push('two images were reported for one operation')
  }
  const keyed = replies.filter(({ request }) => request.key !== undefined)
  const byKey = Map.groupBy(keyed, ({ request }) => `${request.caller.name} ${request.key?.value}`)
  for (const group of byKey.values()) {
    const ids = new Set(group.map(({ operation }) => operation.operationId))
    if (ids.size > 1) faults.push('two operations were reported for one key')
  }
  return faults
}

import type { Creation } from '../../shared/creation/creation.ts'
import { type MadeImage, markOf } from './hostile-gateway.ts'
import type { Outcome } from './schedule.ts'

const SECOND = 1_000
/** The maximum time until an unknown outcome is known in a calm world: the horizon, two ticks and 30 s for packets. */
const KNOWN_WITHIN_MS = (630 + 2 * 60 + 30) * SECOND

/** Returns the rules that a schedule broke. There must be none. */
export function faultsOf({ gateway, ledger, replies, plan }: Outcome): string[] {
  const faults = [...ledger.faults]
  const creations = ledger.creations()
  const images = new Map<string, MadeImage[]>(creations.map(({ creationId }) => [creationId, []]))
  for (const image of gateway.images) {
    if (image.timestamp === undefined) continue
    const [owner] = ledger.signers(`${markOf(image.description ?? '')}@${image.timestamp}`)
    if (owner) images.get(owner)?.push(image)
    else faults.push('lost: an image without a signed attempt')
  }
  for (const creation of creations) {
    faults.push(...faultsOfOne(creation, images.get(creation.creationId) ?? [], gateway.images))
    const ending = creation.state === 'created' ? creation.image?.phase : creation.state
    if (ledger.announced(creation.creationId) !== ending)
      faults.push('not announced: the final outcome')
    if (creation.state === 'conflict' && !isAmbiguous(plan))
      faults.push('a conflict without a cause')
  }
  for (const [signature, count] of gateway.arrivals) {
    if (count > ledger.signers(signature).length) faults.push('an attempt arrived twice')
  }
  if (plan.isCalm && plan.manners.hasDate) {
    // One host sets the due time, and another reads it by its own clock.
    const spread = Math.max(...plan.hosts) - Math.min(...plan.hosts)
    const isLate = ledger.waits.some((wait) => wait > KNOWN_WITHIN_MS + spread)
    if (isLate) faults.push('late: an outcome was unknown for too long')
  }
  return [...faults, ...faultsOfReplies(replies)]
}

function faultsOfOne(creation: Creation, made: MadeImage[], all: MadeImage[]): string[] {
  const { state, image } = creation
  if (made.length > 1) return ['duplicate: two images of one creation']
  const [own] = made
  switch (state) {
    case 'created': {
      if (own && all.some((image) => isForgotten(image, creation))) {
        return ['duplicate: there was an image of the same key and name']
      }
      const reported = all.find(({ no }) => no === image?.imageNo)
      if (!reported) return ['lie: created, but the image does not exist']
      if (own && own !== reported) return ['lost: created, but with another image']
      if (markOf(reported.description ?? '') !== creation.marker)
        return ['lie: the image of another creation']
      const phase = reported.makingFails ? 'failed' : 'ready'
      return image?.phase === phase ? [] : [`stuck: the image is ${phase}, not ${image?.phase}`]
    }
    case 'rejected':
    case 'not_created':
      return own ? [`lie: ${state}, but there is an image`] : []
    case 'conflict':
      return []
    default:
      return [`stuck: ${state}`]
  }
}

/** True if the relay made the image before it lost its database. */
function isForgotten({ timestamp, name, description }: MadeImage, creation: Creation): boolean {
  const isOurs = markOf(description ?? '') === creation.marker
  return isOurs && timestamp === undefined && name === creation.content.name
}

/** True if images may lack a description. Then a person must decide whose they are. */
function isAmbiguous({ manners, foreignAt, foreignDescription }: Outcome['plan']): boolean {
  const isForeignMute = foreignAt !== undefined && foreignDescription === undefined
  return !manners.hasDescriptions || isForeignMute
}

function faultsOfReplies(replies: Outcome['replies']): string[] {
  const faults: string[] = []
  const byCreation = Map.groupBy(replies, ({ creation }) => creation.creationId)
  for (const group of byCreation.values()) {
    const nos = group.flatMap(({ creation }) => creation.image?.imageNo ?? [])
    if (new Set(nos).size > 1) faults.push('two images were reported for one creation')
  }
  const keyed = replies.filter(({ request }) => request.key !== undefined)
  const byKey = Map.groupBy(keyed, ({ request }) => `${request.caller.name} ${request.key}`)
  for (const group of byKey.values()) {
    const ids = new Set(group.map(({ creation }) => creation.creationId))
    if (ids.size > 1) faults.push('two creations were reported for one key')
  }
  return faults
}

import type { Creation } from '../../shared/creation/creation.ts'
import { type MadeImage, markOf } from './hostile-gateway.ts'
import type { Outcome } from './schedule.ts'

const SECOND = 1_000
/** The horizon, two sweeps, and what packets take: within that an unknown outcome is known where nothing is in the way. */
const KNOWN_WITHIN_MS = (630 + 2 * 60 + 30) * SECOND

/** Rules that a schedule broke; none of them may ever be. */
export function faultsOf({ gateway, ledger, replies, plan }: Outcome): string[] {
  const faults = [...ledger.faults]
  const creations = ledger.creations()
  const images = new Map<string, MadeImage[]>(creations.map(({ creationId }) => [creationId, []]))
  for (const image of gateway.images) {
    if (image.timestamp === undefined) continue
    const [owner] = ledger.signers(`${markOf(image.description ?? '')}@${image.timestamp}`)
    if (owner) images.get(owner)?.push(image)
    else faults.push('lost: an image that nobody signed for')
  }
  for (const creation of creations) {
    faults.push(...faultsOfOne(creation, images.get(creation.creationId) ?? [], gateway.images))
    const ending = creation.state === 'created' ? creation.image?.phase : creation.state
    if (ledger.told(creation.creationId) !== ending) faults.push('untold: how it ended')
    if (creation.state === 'conflict' && !isAmbiguous(plan))
      faults.push('a conflict without a cause')
  }
  for (const [signature, count] of gateway.arrivals) {
    if (count > ledger.signers(signature).length) faults.push('an attempt arrived twice')
  }
  if (plan.isCalm && plan.manners.hasDate) {
    // One host says when to look, another looks then by its own clock.
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
        return ['duplicate: there was one of the same key and name']
      }
      const told = all.find(({ no }) => no === image?.imageNo)
      if (!told) return ['lie: created, and there is no such image']
      if (own && own !== told) return ['lost: created, but with another image']
      if (markOf(told.description ?? '') !== creation.marker) return ['lie: the image of another']
      const phase = told.makingFails ? 'failed' : 'ready'
      return image?.phase === phase ? [] : [`stuck: the image is ${phase}, not ${image?.phase}`]
    }
    case 'rejected':
    case 'not_created':
      return own ? [`lie: ${state}, and there is an image`] : []
    case 'conflict':
      return []
    default:
      return [`stuck: ${state}`]
  }
}

/** One that the relay had made before it lost its database. */
function isForgotten({ timestamp, name, description }: MadeImage, creation: Creation): boolean {
  const isOurs = markOf(description ?? '') === creation.marker
  return isOurs && timestamp === undefined && name === creation.content.name
}

/** Only where images may be without a description, a person must tell whose they are. */
function isAmbiguous({ manners, foreignAt, foreignDescription }: Outcome['plan']): boolean {
  const isForeignMute = foreignAt !== undefined && foreignDescription === undefined
  return !manners.hasDescriptions || isForeignMute
}

function faultsOfReplies(replies: Outcome['replies']): string[] {
  const faults: string[] = []
  const byCreation = Map.groupBy(replies, ({ creation }) => creation.creationId)
  for (const told of byCreation.values()) {
    const nos = told.flatMap(({ creation }) => creation.image?.imageNo ?? [])
    if (new Set(nos).size > 1) faults.push('two images were told for one creation')
  }
  const keyed = replies.filter(({ wish }) => wish.key !== undefined)
  const byKey = Map.groupBy(keyed, ({ wish }) => `${wish.caller.name} ${wish.key}`)
  for (const told of byKey.values()) {
    const ids = new Set(told.map(({ creation }) => creation.creationId))
    if (ids.size > 1) faults.push('two creations were told for one key')
  }
  return faults
}

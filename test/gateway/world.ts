import { type MemberServerImage, memberServerImages } from './member-server-images.ts'
import type { Parameters, Rule } from './parameters.ts'
import { type ServerImage, serverImages } from './server-images.ts'
import { openShelf, type Shelf } from './shelf.ts'
import { type Snapshot, snapshots } from './snapshots.ts'

/** How the gateway behaves where no document says it. */
export interface Settings {
  now: () => number
  readyAfterMs: number
  nameFilter: 'exact' | 'substring'
  unknownImage: 'empty' | 'refusal'
  duplicateNames: 'allowed' | 'refused'
  listLagMs: number
}

/** Everything an action can see. */
export interface World extends Settings {
  images: Shelf<ServerImage>
  memberImages: Shelf<MemberServerImage>
  snapshots: Shelf<Snapshot>
}

/** What an action has to say; `keep` makes it true. */
export interface Outcome {
  list: string
  rows: object[]
  totalRows: number
  keep?: () => void
}

/** One action of the API: the rules of its parameters, and what it does with good ones. */
export interface Action {
  parameters: Record<string, Rule>
  perform(parameters: Parameters, world: World): Outcome
}

/** A world of seeds. */
export function openWorld(settings: Settings): World {
  return {
    ...settings,
    images: openShelf(settings.now, serverImages),
    memberImages: openShelf(settings.now, memberServerImages),
    snapshots: openShelf(settings.now, snapshots),
  }
}

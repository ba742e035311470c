import { type MemberServerImage, memberServerImages } from './member-server-images.ts'
import type { Parameters, Rule } from './parameters.ts'
import { type ServerImage, serverImages } from './server-images.ts'
import { openShelf, type Shelf } from './shelf.ts'
import { type Snapshot, snapshots } from './snapshots.ts'

/** The gateway's behaviour that no document specifies. */
export interface Settings {
  now: () => number
  readyAfterMs: number
  nameFilter: 'exact' | 'substring'
  unknownImage: 'empty' | 'refusal'
  duplicateNames: 'allowed' | 'refused'
  listLagMs: number
}

/** The settings and rows that an action can use. */
export interface World extends Settings {
  images: Shelf<ServerImage>
  memberImages: Shelf<MemberServerImage>
  snapshots: Shelf<Snapshot>
}

/** The result of an action. `keep` stores its change. */
export interface Outcome {
  list: string
  rows: object[]
  totalRows: number
  keep?: () => void
}

/** One action of the API: its parameter rules and its implementation. */
export interface Action {
  parameters: Record<string, Rule>
  perform(parameters: Parameters, world: World): Outcome
}

/** Opens a world with only the seeds. */
export function openWorld(settings: Settings): World {
  return {
    ...settings,
    images: openShelf(settings.now, serverImages),
    memberImages: openShelf(settings.now, memberServerImages),
    snapshots: openShelf(settings.now, snapshots),
  }
}

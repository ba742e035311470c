import type { Clock } from '../clock.ts'
import type { Gateway } from '../ncloud/gateway.ts'
import type { Site } from '../ncloud/sites.ts'
import type { Work } from '../work.ts'
import type { Act } from './creation.ts'
import type { CreationStore } from './store.ts'

/** The dependencies of all functions that continue creations. */
export interface Ports {
  /** The site of NAVER Cloud. It is part of the hash of every key. */
  site: Site
  gateway: Gateway
  store: CreationStore
  clock: Clock
  /** The names of the targets that can be notified. */
  targets: string[]
}

/** Returns the actor and the time of a change that is made now. */
export function actOf({ clock }: Ports, { actor }: Work): Act {
  return { at: clock.now(), actor }
}

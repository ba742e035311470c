import type { Clock } from '../clock.ts'
import type { Gateway } from '../ncloud/gateway.ts'
import type { Site } from '../settings.ts'
import type { Work } from '../work.ts'
import type { Act } from './creation.ts'
import type { CreationStore } from './store.ts'

/** What creations are moved with. */
export interface Ports {
  /** The zone of NAVER Cloud, part of what a key means. */
  site: Site
  gateway: Gateway
  store: CreationStore
  clock: Clock
  /** The names of those who can be told. */
  targets: string[]
}

/** Who acts, and when. */
export function actOf({ clock }: Ports, { actor }: Work): Act {
  return { at: clock.now(), actor }
}

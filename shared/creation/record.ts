import type { Work } from '../work.ts'
import type { Creation } from './creation.ts'
import type { Ports } from './ports.ts'
import type { CreationStore } from './store.ts'

/** Stores the next version and logs where it came to; where another write came first, that one's holds. */
export async function save(next: Creation, ports: Ports, work: Work): Promise<Creation> {
  const stored = await put(next, ports.store)
  if (stored === next) logTransition(next, work)
  return stored
}

/** Stores the next version; where another write came first, what that one wrote is what holds. */
export async function put(next: Creation, store: CreationStore): Promise<Creation> {
  return (await store.replace(next)) ? next : latest(next, store)
}

async function latest(creation: Creation, store: CreationStore): Promise<Creation> {
  return (await store.read(creation.creationId)) ?? creation
}

/** Logs the state that a creation has come to. */
export function logTransition({ creationId, state, attempt, problem }: Creation, { log }: Work) {
  const code = problem && { code: problem.code }
  log({ event: 'transition', creationId, state, attempt, ...code })
}

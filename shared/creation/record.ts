import type { Work } from '../work.ts'
import { type Creation, withNotices } from './creation.ts'
import type { Ports } from './ports.ts'

/** Stores the next version and logs where it came to; where another write came first, that one's holds. */
export async function save(next: Creation, ports: Ports, work: Work): Promise<Creation> {
  return written(next, ports, () => logTransition(next, work))
}

/** Stores the next version; where another write came first, what that one wrote is what holds. */
export async function put(next: Creation, ports: Ports): Promise<Creation> {
  return written(next, ports, () => {})
}

/** What is to be told of it is stored along with it. */
async function written(creation: Creation, { store, clock }: Ports, then: () => void) {
  const { next, notices } = withNotices(creation, clock.now())
  if (!(await store.replace(next, notices))) return (await store.read(next.creationId)) ?? next
  then()
  return next
}

/** Logs the state that a creation has come to. */
export function logTransition({ creationId, state, attempt, problem }: Creation, { log }: Work) {
  const code = problem && { code: problem.code }
  log({ event: 'transition', creationId, state, attempt, ...code })
}

import type { Work } from '../work.ts'
import type { Creation } from './creation.ts'
import { withNotices } from './notices.ts'
import type { Ports } from './ports.ts'

/** Stores the next version and logs where it came to; where another write came first, that one's holds. */
export async function save(next: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { creation, isWritten } = await write(next, ports)
  if (isWritten) logTransition(creation, work)
  return creation
}

/** Stores the next version; where another write came first, what that one wrote is what holds. */
export async function put(next: Creation, ports: Ports): Promise<Creation> {
  return (await write(next, ports)).creation
}

/** What is to be told of it is stored along with it. */
async function write(creation: Creation, { store, clock, targets }: Ports) {
  const { next, notices } = withNotices(creation, targets, clock.now())
  const isWritten = await store.replace(next, notices)
  return { isWritten, creation: isWritten ? next : ((await store.read(next.creationId)) ?? next) }
}

/** Logs the state that a creation has come to. */
export function logTransition({ creationId, state, attempt, problem }: Creation, { log }: Work) {
  const code = problem && { code: problem.code }
  log({ event: 'transition', creationId, state, attempt, ...code })
}

import type { Work } from '../work.ts'
import type { Creation } from './creation.ts'
import { withNotices } from './notices.ts'
import type { Ports } from './ports.ts'

/** Stores the next version and logs its state. If another write came first, returns the version of that write. */
export async function save(next: Creation, ports: Ports, work: Work): Promise<Creation> {
  const { creation, isWritten } = await write(next, ports)
  if (isWritten) logTransition(creation, work)
  return creation
}

/** Stores the next version without a log line. If another write came first, returns the version of that write. */
export async function put(next: Creation, ports: Ports): Promise<Creation> {
  return (await write(next, ports)).creation
}

/** Stores a version together with the notices that announce it. */
async function write(creation: Creation, { store, clock, targets }: Ports) {
  const { next, notices } = withNotices(creation, targets, clock.now())
  const isWritten = await store.replace(next, notices)
  return { isWritten, creation: isWritten ? next : ((await store.read(next.creationId)) ?? next) }
}

/** Logs the state of a creation. */
export function logTransition(creation: Creation, { log }: Work) {
  const { creationId, state, attempt, problem, image } = creation
  log({
    event: 'transition',
    creationId,
    ...(image && { imageNo: image.imageNo }),
    state,
    attempt,
    ...(problem && { code: problem.code }),
  })
}

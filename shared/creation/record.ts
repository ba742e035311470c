import type { Context } from '../context.ts'
import type { Creation } from './creation.ts'
import { withNotices } from './notices.ts'

/** Stores the next version and logs its state. If another write came first, returns the version of that write. */
export async function save(next: Creation, context: Context): Promise<Creation> {
  const { creation, isWritten } = await write(next, context)
  if (isWritten) logTransition(creation, context)
  return creation
}

/** Stores the next version without a log line. If another write came first, returns the version of that write. */
export async function put(next: Creation, context: Context): Promise<Creation> {
  return (await write(next, context)).creation
}

/** Stores a version together with the notices that announce it. */
async function write(creation: Creation, { store, clock, targets }: Context) {
  const { next, notices } = withNotices(creation, targets, clock.now())
  const isWritten = await store.replace(next, notices)
  return { isWritten, creation: isWritten ? next : ((await store.read(next.creationId)) ?? next) }
}

/** Logs the state of a creation. */
export function logTransition(creation: Creation, { log }: Context) {
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

import type { JobsRecord } from '../../../shared/jobs/record.ts'
import type { Operation } from '../../../shared/operations/operation.ts'
import type { Notice } from '../../../shared/outbox/notice.ts'
import type { Store } from '../../../shared/store/store.ts'
import { holdsItsKey, holdsName, statusIn } from '../operations/rules.ts'

/** Opens a store in memory, written from the documentation of the interface: a fast reference for the other stores. */
export function memoryStore(): Store {
  const all = new Map<string, Operation>()
  const notices = new Map<string, Notice>()
  let jobs: JobsRecord | undefined
  const noticeKey = ({ target, id }: Pick<Notice, 'target' | 'id'>) => `${target} ${id}`
  const add = (more: Notice[]) => {
    for (const notice of more) notices.set(noticeKey(notice), structuredClone(notice))
  }
  const find = (isIt: (operation: Operation) => boolean) => {
    const found = [...all.values()].find(isIt)
    return found && structuredClone(found)
  }
  const nameHolder = (regionCode: string, name: string) =>
    find((one) => holdsName(one) && one.regionCode === regionCode && one.content.name === name)
  const newestFirst = (one: Operation, other: Operation) =>
    other.createdAt - one.createdAt || other.operationId.localeCompare(one.operationId)

  return {
    async claim(operation, { dailyCreations = Number.POSITIVE_INFINITY, today }, added = []) {
      const { keyHash, regionCode, content, caller } = operation
      const ofKey = find((one) => holdsItsKey(one) && one.keyHash === keyHash)
      if (ofKey) return { outcome: 'key-held', holder: ofKey }
      const ofName = nameHolder(regionCode, content.name)
      if (ofName && holdsName(operation)) return { outcome: 'name-held', holder: ofName }
      const made = [...all.values()].filter(
        (one) => one.caller === caller && one.createdAt >= today,
      )
      if (made.length >= dailyCreations) return { outcome: 'quota-spent' }
      all.set(operation.operationId, structuredClone(operation))
      add(added)
      return { outcome: 'ok' }
    },
    read: async (operationId) => find((one) => one.operationId === operationId),
    holderOf: async (regionCode, name) => nameHolder(regionCode, name),
    async replace(next, added = []) {
      if (all.get(next.operationId)?.version !== next.version - 1) return false
      all.set(next.operationId, structuredClone(next))
      add(added)
      return true
    },
    async list({ caller, status, limit, after }) {
      const isPast = (one: Operation) => !after || newestFirst(after as Operation, one) < 0
      return [...all.values()]
        .filter((one) => caller === undefined || one.caller === caller)
        .filter((one) => status === undefined || statusIn(one) === status)
        .sort(newestFirst)
        .filter(isPast)
        .slice(0, limit)
    },
    async due(now, limit) {
      return structuredClone(
        [...all.values()]
          .filter(({ dueAt }) => dueAt !== null && dueAt <= now)
          .sort((one, other) => Number(one.dueAt) - Number(other.dueAt))
          .slice(0, limit),
      )
    },
    async dueNotices(target, now, limit) {
      return structuredClone(
        [...notices.values()]
          .filter((one) => one.target === target && one.dueAt !== null && one.dueAt <= now)
          .sort((one, other) => Number(one.dueAt) - Number(other.dueAt))
          .slice(0, limit),
      )
    },
    readNotice: async (target, id) => structuredClone(notices.get(noticeKey({ target, id }))),
    async replaceNotice(next) {
      if ((notices.get(noticeKey(next))?.version ?? 0) !== next.version - 1) return false
      add([next])
      return true
    },
    readJobs: async () => structuredClone(jobs),
    async replaceJobs(next, added) {
      if ((jobs?.version ?? 0) !== next.version - 1) return false
      jobs = structuredClone(next)
      add(added)
      return true
    },
  }
}

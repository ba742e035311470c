import type { Creation } from '../../../shared/creation/creation.ts'
import type { JobsRecord } from '../../../shared/creation/jobs-record.ts'
import type { CreationStore } from '../../../shared/creation/store.ts'
import type { Notice } from '../../../shared/notice.ts'
import { holdsItsKey, holdsName } from './rules.ts'

/** Opens a store in memory, written from the documentation of the interface: a fast reference for the other stores. */
export function memoryStore(): CreationStore {
  const all = new Map<string, Creation>()
  const notices = new Map<string, Notice>()
  let jobs: JobsRecord | undefined
  const noticeKey = ({ target, id }: Pick<Notice, 'target' | 'id'>) => `${target} ${id}`
  const add = (more: Notice[]) => {
    for (const notice of more) notices.set(noticeKey(notice), structuredClone(notice))
  }
  const find = (isIt: (creation: Creation) => boolean) => {
    const found = [...all.values()].find(isIt)
    return found && structuredClone(found)
  }
  const nameHolder = (regionCode: string, name: string) =>
    find((one) => holdsName(one) && one.regionCode === regionCode && one.content.name === name)
  const newestFirst = (one: Creation, other: Creation) =>
    other.createdAt - one.createdAt || other.creationId.localeCompare(one.creationId)

  return {
    async claim(creation, { dailyCreations = Number.POSITIVE_INFINITY, today }, added = []) {
      const { keyHash, regionCode, content, caller } = creation
      const ofKey = find((one) => holdsItsKey(one) && one.keyHash === keyHash)
      if (ofKey) return { outcome: 'key-held', holder: ofKey }
      const ofName = nameHolder(regionCode, content.name)
      if (ofName && holdsName(creation)) return { outcome: 'name-held', holder: ofName }
      const made = [...all.values()].filter(
        (one) => one.caller === caller && one.createdAt >= today,
      )
      if (made.length >= dailyCreations) return { outcome: 'quota-spent' }
      all.set(creation.creationId, structuredClone(creation))
      add(added)
      return { outcome: 'claimed' }
    },
    read: async (creationId) => find((one) => one.creationId === creationId),
    holderOf: async (regionCode, name) => nameHolder(regionCode, name),
    async replace(next, added = []) {
      if (all.get(next.creationId)?.version !== next.version - 1) return false
      all.set(next.creationId, structuredClone(next))
      add(added)
      return true
    },
    async list({ caller, state, limit, after }) {
      const isPast = (one: Creation) => !after || newestFirst(after as Creation, one) < 0
      return [...all.values()]
        .filter((one) => caller === undefined || one.caller === caller)
        .filter((one) => state === undefined || one.state === state)
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

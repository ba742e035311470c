import type { Operation } from '../../../shared/operations/operation.ts'
import type { RecordType, RecordTypes, Store, StoredRecord } from '../../../shared/store/store.ts'
import { heldBy } from '../operations/rules.ts'

const MINUTE_MS = 60_000
const DAY_MS = 1_440 * MINUTE_MS

/** Opens a store in memory, written from the documentation of the interface: a fast reference for the other stores. */
export function memoryStore(): Store {
  const all = new Map<string, { stored: StoredRecord; until: number }>()

  function valid<Type extends RecordType>(type: Type): RecordTypes[Type][] {
    return [...all.values()]
      .filter(({ stored, until }) => stored.type === type && until > Date.now())
      .map(({ stored }) => stored.record as RecordTypes[Type])
  }
  const holderOf = (hold: string) => valid('operation').find((one) => heldBy(one).includes(hold))
  const get = <Type extends RecordType>(type: Type, id: string) =>
    valid(type).find((record) => keyOf({ type, record } as StoredRecord) === `${type} ${id}`)
  const add = (stored: StoredRecord) => {
    const until = Date.now() + keptFor(stored)
    all.set(keyOf(stored), { stored: structuredClone(stored), until })
  }
  const follows = (stored: StoredRecord) => {
    const before = all.get(keyOf(stored))
    const version = before && before.until > Date.now() ? before.stored.record.version : 0
    return stored.record.version === version + 1
  }

  return {
    async claim(operation, { quota: { max = Number.POSITIVE_INFINITY, since }, with: more = [] }) {
      const holder = heldBy(operation).map(holderOf).find(Boolean)
      if (holder) return { outcome: 'held', holder: structuredClone(holder) }
      const made = valid('operation').filter(
        ({ caller, createdAt }) => caller === operation.caller && createdAt >= since,
      )
      if (made.length >= max) return { outcome: 'quota-spent' }
      for (const one of [{ type: 'operation' as const, record: operation }, ...more]) add(one)
      return { outcome: 'ok' }
    },
    get: async (type, id) => structuredClone(get(type, id)),
    holder: async (hold) => structuredClone(holderOf(hold)),
    async commit(records) {
      if (!records.every(follows)) return false
      records.forEach(add)
      return true
    },
    async due(type, { now, limit, target }) {
      const dueAt = (record: object) => ('dueAt' in record ? Number(record.dueAt) : Number.NaN)
      const due = valid(type)
        .filter((one) => !('target' in one) || one.target === target)
        .filter((one) => 'dueAt' in one && one.dueAt !== null && one.dueAt <= now)
        .sort((one, other) => dueAt(one) - dueAt(other))
      return structuredClone(due.slice(0, limit))
    },
    async list({ of, limit, after }) {
      const isIn = (one: Operation) =>
        !of || ('caller' in of ? one.caller === of.caller : one.run?.job === of.job)
      const listed = valid('operation')
        .filter(isIn)
        .sort(newestFirst)
        .filter((one) => !after || newestFirst(after as Operation, one) < 0)
      return structuredClone(listed.slice(0, limit))
    },
  }
}

function newestFirst(one: Operation, other: Operation): number {
  return other.createdAt - one.createdAt || other.operationId.localeCompare(one.operationId)
}

function keyOf({ type, record }: StoredRecord): string {
  if (type === 'operation') return `operation ${record.operationId}`
  return type === 'notice' ? `notice ${record.target} ${record.id}` : 'jobs all'
}

/** Returns the time for which a record is kept: without end, unless it is done. */
function keptFor({ type, record }: StoredRecord): number {
  if (type === 'jobs' || record.dueAt !== null) return Number.POSITIVE_INFINITY
  if (type === 'notice') return 15 * MINUTE_MS
  return record.state === 'conflict' ? Number.POSITIVE_INFINITY : 90 * DAY_MS
}

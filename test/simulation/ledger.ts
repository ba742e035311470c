import type { Operation } from '../../shared/operations/operation.ts'
import type { Notice } from '../../shared/outbox/notice.ts'
import type { Store } from '../../shared/store/store.ts'
import { ARROWS, holdsName, statusIn } from '../shared/operations/rules.ts'
import { withChanges } from '../shared/store/writes.ts'
import type { VirtualTime } from './virtual-time.ts'

/** An observer's records of a store, and the rules that it broke. */
export interface Ledger {
  store: Store
  /** Returns all operations in their latest version. */
  operations(): Operation[]
  /** Returns the previous version of an operation. */
  older(operationId: string): Operation | undefined
  /** Returns one operation id for each attempt with a signature, which is given as marker and timestamp. */
  signers(signature: string): string[]
  /** Returns the announced outcomes of an operation, in order. */
  announced(operationId: string): string[]
  /** The rules that were broken during the run. */
  faults: string[]
  /** The times from an attempt's signature until its outcome was known, in milliseconds. */
  waits: number[]
  /** The transitions that occurred, as `from > to`. */
  arrows: string[]
  isAtRest(): boolean
  /** Returns the milliseconds until something is due. */
  untilDue(now: number): number
}

const HOUR = 3_600_000
/** The maximum difference between the clocks of two hosts. */
const SKEW = HOUR / 3

/** Observes a store while it is used. */
export function ledger(store: Store, time: VirtualTime): Ledger {
  const versions = new Map<string, Operation[]>()
  const signers = new Map<string, string[]>()
  const faults: string[] = []
  const waits: number[] = []
  const arrows: string[] = []
  const announced = new Map<string, string[]>()
  /** The time of each operation's last change to `unknown`. */
  const unknownSince = new Map<string, number>()
  const last = (id: string) => versions.get(id)?.at(-1)
  const operations = () => [...versions.keys()].map((id) => last(id) as Operation)

  function write(next: Operation) {
    const before = last(next.operationId)
    versions.set(next.operationId, [...(versions.get(next.operationId) ?? []), next])
    if (next.state === 'sending') {
      const signature = `${next.marker}@${next.signedAt}`
      signers.set(signature, [...(signers.get(signature) ?? []), next.operationId])
    }
    if (before) compare(before, next)
    const rivals = operations().filter(holdsName)
    const names = new Set(rivals.map(({ regionCode, name }) => `${regionCode} ${name}`))
    if (names.size < rivals.length) faults.push('two live operations of one name')
  }

  function announce(notices: Notice[]) {
    for (const { event } of notices) {
      if (!('operationId' in event)) continue
      const { operationId, what } = event
      const before = announced.get(operationId) ?? []
      if (before.at(-1) === what) faults.push('announced twice')
      if (what === 'unknown' && before.includes(what)) faults.push('announced twice: unknown')
      const since = unknownSince.get(operationId) ?? time.now()
      if (what === 'unknown' && time.now() - since < HOUR - SKEW) faults.push('announced too early')
      announced.set(operationId, [...before, what])
    }
  }

  /** Checks that nobody had to wait much longer than an hour for the news that an outcome stays unknown. */
  function checkUnknown(before: Operation, next: Operation) {
    const { operationId } = next
    if (next.state === 'unknown' && before.state !== 'unknown') {
      unknownSince.set(operationId, time.now())
    }
    if (before.state !== 'unknown' || next.state === 'unknown') return
    const isLong = time.now() - (unknownSince.get(operationId) ?? 0) > HOUR + SKEW + HOUR / 6
    const isAnnounced = announced.get(operationId)?.includes('unknown')
    if (isLong && !isAnnounced) faults.push('not announced: an outcome that stayed unknown')
  }

  function compare(before: Operation, next: Operation) {
    if (next.version !== before.version + 1) faults.push('a version was skipped')
    const grew = next.history.length - before.history.length
    const isMove = next.state !== before.state
    checkUnknown(before, next)
    if (isMove) arrows.push(`${before.state} > ${next.state}`)
    if (isMove && !ARROWS[before.state].includes(next.state))
      faults.push('a transition that is not allowed')
    const isNews = statusIn(next) !== statusIn(before)
    if (grew !== Number(isNews)) faults.push('a history that does not match the status')
    const wasOpen = before.state === 'sending' || before.state === 'unknown'
    if (wasOpen && isMove && next.state !== 'unknown')
      waits.push(time.now() - Number(before.signedAt))
  }

  return {
    operations,
    announced: (id) => announced.get(id) ?? [],
    older: (id) => versions.get(id)?.at(-2),
    signers: (signature) => signers.get(signature) ?? [],
    faults,
    waits,
    arrows,
    isAtRest: () => operations().every(({ dueAt }) => dueAt === null),
    untilDue: (now) => Math.min(...operations().map(({ dueAt }) => (dueAt ?? Infinity) - now)),
    store: {
      ...withChanges(store, async (next, commit, notices) => {
        const isDone = await commit(next)
        if (isDone) {
          write(next)
          announce(notices)
        }
        return isDone
      }),
      async claim(operation, terms) {
        const claimed = await store.claim(operation, terms)
        if (claimed.outcome === 'ok') write(operation)
        return claimed
      },
    },
  }
}

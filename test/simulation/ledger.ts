import type { Creation } from '../../shared/creation/creation.ts'
import type { CreationStore } from '../../shared/creation/store.ts'
import type { Notice } from '../../shared/notice.ts'
import { ARROWS, holdsName } from '../shared/creation/rules.ts'
import type { VirtualTime } from './virtual-time.ts'

/** An observer's records of a store, and the rules that it broke. */
export interface Ledger {
  store: CreationStore
  /** Returns all creations in their latest version. */
  creations(): Creation[]
  /** Returns the previous version of a creation. */
  older(creationId: string): Creation | undefined
  /** Returns one creation id for each attempt with a signature, which is given as marker and timestamp. */
  signers(signature: string): string[]
  /** Returns the last announced outcome of a creation. */
  announced(creationId: string): string | undefined
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

/** Observes a store while it is used. */
export function ledger(store: CreationStore, time: VirtualTime): Ledger {
  const versions = new Map<string, Creation[]>()
  const signers = new Map<string, string[]>()
  const faults: string[] = []
  const waits: number[] = []
  const arrows: string[] = []
  const announced = new Map<string, string>()
  const last = (id: string) => versions.get(id)?.at(-1)
  const creations = () => [...versions.keys()].map((id) => last(id) as Creation)

  function write(next: Creation) {
    const before = last(next.creationId)
    versions.set(next.creationId, [...(versions.get(next.creationId) ?? []), next])
    if (next.state === 'sending') {
      const signature = `${next.marker}@${next.signedAt}`
      signers.set(signature, [...(signers.get(signature) ?? []), next.creationId])
    }
    if (before) compare(before, next)
    const rivals = creations().filter(holdsName)
    const names = new Set(rivals.map(({ regionCode, content }) => `${regionCode} ${content.name}`))
    if (names.size < rivals.length) faults.push('two live creations of one name')
  }

  function announce(notices: Notice[] = []) {
    for (const { event } of notices) {
      if ('creationId' in event) announced.set(event.creationId, event.what)
    }
  }

  function compare(before: Creation, next: Creation) {
    if (next.version !== before.version + 1) faults.push('a version was skipped')
    const grew = next.history.length - before.history.length
    const isMove = next.state !== before.state
    if (isMove) arrows.push(`${before.state} > ${next.state}`)
    if (isMove && !ARROWS[before.state].includes(next.state))
      faults.push('a transition that is not allowed')
    if (grew !== Number(isMove)) faults.push('a history that does not match the transition')
    const wasOpen = before.state === 'sending' || before.state === 'unknown'
    if (wasOpen && isMove && next.state !== 'unknown')
      waits.push(time.now() - Number(before.signedAt))
  }

  return {
    creations,
    announced: (id) => announced.get(id),
    older: (id) => versions.get(id)?.at(-2),
    signers: (signature) => signers.get(signature) ?? [],
    faults,
    waits,
    arrows,
    isAtRest: () => creations().every(({ dueAt }) => dueAt === null),
    untilDue: (now) => Math.min(...creations().map(({ dueAt }) => (dueAt ?? Infinity) - now)),
    store: {
      ...store,
      async claim(creation, quota, notices) {
        const claimed = await store.claim(creation, quota, notices)
        if (claimed.outcome === 'claimed') {
          write(creation)
          announce(notices)
        }
        return claimed
      },
      async replace(next, notices) {
        const isDone = await store.replace(next, notices)
        if (isDone) {
          write(next)
          announce(notices)
        }
        return isDone
      },
    },
  }
}

import type { Creation } from '../../shared/creation/creation.ts'
import type { CreationStore } from '../../shared/creation/store.ts'
import type { Notice } from '../../shared/notice.ts'
import { ARROWS, holdsName } from '../shared/creation/rules.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What an onlooker writes down of a store, and what it holds against the rules. */
export interface Ledger {
  store: CreationStore
  /** All creations as they are now. */
  creations(): Creation[]
  /** An earlier version of one. */
  older(creationId: string): Creation | undefined
  /** The creations of the attempts that bore a signature, by mark and timestamp: one an attempt. */
  signers(signature: string): string[]
  /** How people were told last that a creation ended. */
  told(creationId: string): string | undefined
  /** Rules that were broken while it ran. */
  faults: string[]
  /** From an attempt's signature until its outcome was known, in milliseconds. */
  waits: number[]
  /** States that were come to, from which. */
  arrows: string[]
  isAtRest(): boolean
  /** Milliseconds until something is due. */
  untilDue(now: number): number
}

/** Looks on while a store is used. */
export function ledger(store: CreationStore, time: VirtualTime): Ledger {
  const versions = new Map<string, Creation[]>()
  const signers = new Map<string, string[]>()
  const faults: string[] = []
  const waits: number[] = []
  const arrows: string[] = []
  const told = new Map<string, string>()
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

  function tell(notices: Notice[] = []) {
    for (const { event } of notices) {
      if ('creationId' in event) told.set(event.creationId, event.what)
    }
  }

  function compare(before: Creation, next: Creation) {
    if (next.version !== before.version + 1) faults.push('a version was passed over')
    const grew = next.history.length - before.history.length
    const isMove = next.state !== before.state
    if (isMove) arrows.push(`${before.state} > ${next.state}`)
    if (isMove && !ARROWS[before.state].includes(next.state)) faults.push('against the arrows')
    if (grew !== Number(isMove)) faults.push('a history without its step')
    const wasOpen = before.state === 'sending' || before.state === 'unknown'
    if (wasOpen && isMove && next.state !== 'unknown')
      waits.push(time.now() - Number(before.signedAt))
  }

  return {
    creations,
    told: (id) => told.get(id),
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
          tell(notices)
        }
        return claimed
      },
      async replace(next, notices) {
        const isDone = await store.replace(next, notices)
        if (isDone) {
          write(next)
          tell(notices)
        }
        return isDone
      },
    },
  }
}

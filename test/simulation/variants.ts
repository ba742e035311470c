import type { Operation } from '../../shared/operations/operation.ts'
import type { Store } from '../../shared/store/store.ts'
import type { Outgoing, Transport } from '../../shared/web/transport.ts'
import { replace, withChanges } from '../shared/store/writes.ts'
import type { Host, Variant } from './schedule.ts'

/** A wrongly built relay, and the faults that it must show. */
export interface Wrong extends Variant {
  shows: RegExp
}

const MINUTE = 60_000

/** Wrong ways to build the relay. They prove that the simulation can fail. */
export const variants: Record<string, Wrong> = {
  'a signature after the write': {
    shows: /lost/,
    gateway: (gateway) => ({
      ...gateway,
      async sign(action, input, options) {
        const { signedAt } = await gateway.sign(action, input, options)
        const send = async (timeoutMs: number) =>
          (await gateway.sign(action, input, options)).send(timeoutMs)
        return { signedAt, send }
      },
    }),
  },
  'a horizon as short as the window': {
    shows: /duplicate|lie/,
    transport: (transport) => dated(transport, (date) => date + 5 * MINUTE),
  },
  'absence judged by its own clock, which is ahead': {
    shows: /duplicate|lie/,
    hosts: [10 * MINUTE],
    transport: byOwnClock,
  },
  'absence judged by its own clock, which is behind': {
    shows: /late/,
    hosts: [-10 * MINUTE],
    transport: byOwnClock,
  },
  'absence judged by its own clocks, which differ': {
    shows: /duplicate|lie/,
    hosts: [-4 * MINUTE, 10 * MINUTE],
    transport: byOwnClock,
  },
  'an answer about any image': {
    shows: /lie|stuck/,
    gateway: (gateway) => ({
      ...gateway,
      async read(action, input, options) {
        const view = await gateway.read(action, input, options)
        const { imageNo } = input as { imageNo?: string }
        return imageNo === undefined ? view : { ...view, imageNo }
      },
    }),
  },
  'a blind retry': {
    shows: /arrived|duplicate|lost/,
    gateway: (gateway) => ({
      ...gateway,
      async sign(action, input, options) {
        const first = await gateway.sign(action, input, options)
        const again = async () => (await gateway.sign(action, input, options)).send(10_000)
        return { ...first, send: (timeoutMs) => first.send(timeoutMs).catch(again) }
      },
    }),
  },
  'no look-up': {
    shows: /duplicate|lie/,
    transport: (transport) => (request, timeoutMs) =>
      request.url.pathname.endsWith('getServerImageList')
        ? transport(withName(request, 'nothing'), timeoutMs)
        : transport(request, timeoutMs),
  },
  'updates without a condition': {
    shows: /duplicate|lost|lie/,
    store: (store) => withChanges(store, (next) => forced(store, next)),
  },
  'a record deleted on an error': {
    shows: /duplicate|lost|lie/,
    store: (store) =>
      withChanges(store, (next, write) => write(next.state === 'unknown' ? forgotten(next) : next)),
  },
  'an attempt repeated when its lease has expired': {
    shows: /duplicate|lost|lie/,
    store: (store) => ({
      ...store,
      async due(type, query) {
        const due = await store.due(type, query)
        for (const one of due) if ('state' in one && one.state === 'sending') one.state = 'accepted'
        return due
      },
    }),
  },
  'a create by GET': {
    shows: /arrived/,
    transport: (transport) => (request, timeoutMs) =>
      transport({ ...request, method: 'GET' }, timeoutMs),
  },
}

/** Changes the date in the answers to look-ups. */
function dated(transport: Transport, change: (date: number) => number): Transport {
  return async (request, timeoutMs) => {
    const answer = await transport(request, timeoutMs)
    if (!isLookUp(request) || answer.status !== 200) return answer
    const date = Date.parse(answer.headers.get('date') ?? '')
    const changed = new Date(change(date)).toUTCString()
    return { ...answer, headers: { get: (name) => (name === 'date' ? changed : null) } }
  }
}

function byOwnClock(transport: Transport, host: Host): Transport {
  return dated(transport, host.now)
}

function isLookUp({ url }: Outgoing): boolean {
  return url.pathname.endsWith('getServerImageList')
}

function withName(request: Outgoing, name: string): Outgoing {
  const url = new URL(request.url)
  url.searchParams.set('serverImageName', name)
  return { ...request, url }
}

async function forced(store: Store, next: Operation): Promise<boolean> {
  if (await replace(store, next)) return true
  const now = await store.get('operation', next.operationId)
  return forced(store, { ...next, version: (now?.version ?? 0) + 1 })
}

/** Returns an operation that counts as deleted: it holds neither key nor name and is never due. */
function forgotten(operation: Operation): Operation {
  return { ...operation, state: 'not_applied', keyIsExplicit: false, dueAt: null }
}

import { DurableObject } from 'cloudflare:workers'
import type { Creation } from '../../../shared/creation/creation.ts'
import { sqliteStore } from '../../../shared/creation/sqlite-store.ts'
import type { CreationStore, Listing } from '../../../shared/creation/store.ts'

/** The Durable Object that keeps a deployment's creations in its SQLite; there is one. */
export class CreationsObject extends DurableObject implements CreationStore {
  #store = sqliteStore({
    run: (sql, ...values) => this.ctx.storage.sql.exec(sql, ...values).toArray(),
    transaction: (work) => this.ctx.storage.transactionSync(work),
  })

  claim(...claim: Parameters<CreationStore['claim']>) {
    return this.#store.claim(...claim)
  }

  read(creationId: string) {
    return this.#store.read(creationId)
  }

  holderOf(regionCode: string, name: string) {
    return this.#store.holderOf(regionCode, name)
  }

  replace(next: Creation) {
    return this.#store.replace(next)
  }

  list(listing: Listing) {
    return this.#store.list(listing)
  }

  due(now: number, limit: number) {
    return this.#store.due(now, limit)
  }
}

/** The store as the Worker reaches it. */
export function storeIn(namespace: DurableObjectNamespace<CreationsObject>): CreationStore {
  // A stub belongs to the request that got it, so each call gets its own.
  const object = () => namespace.get(namespace.idFromName('creations'))
  return {
    claim: (...claim) => object().claim(...claim),
    read: (creationId) => object().read(creationId),
    holderOf: (regionCode, name) => object().holderOf(regionCode, name),
    replace: (next) => object().replace(next),
    list: (listing) => object().list(listing),
    due: (now, limit) => object().due(now, limit),
  }
}

import { DurableObject } from 'cloudflare:workers'
import { sqliteStore } from '../../../shared/creation/sqlite-store.ts'
import type { CreationStore } from '../../../shared/creation/store.ts'

/** The Durable Object that stores a deployment's creations in SQLite; there is only one. */
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

  replace(...next: Parameters<CreationStore['replace']>) {
    return this.#store.replace(...next)
  }

  list(...listing: Parameters<CreationStore['list']>) {
    return this.#store.list(...listing)
  }

  due(...due: Parameters<CreationStore['due']>) {
    return this.#store.due(...due)
  }

  dueNotices(...due: Parameters<CreationStore['dueNotices']>) {
    return this.#store.dueNotices(...due)
  }

  readNotice(...notice: Parameters<CreationStore['readNotice']>) {
    return this.#store.readNotice(...notice)
  }

  replaceNotice(...next: Parameters<CreationStore['replaceNotice']>) {
    return this.#store.replaceNotice(...next)
  }

  readJobs() {
    return this.#store.readJobs()
  }

  replaceJobs(...next: Parameters<CreationStore['replaceJobs']>) {
    return this.#store.replaceJobs(...next)
  }
}

/** Returns the store behind the Durable Object. */
export function storeIn(namespace: DurableObjectNamespace<CreationsObject>): CreationStore {
  // A stub belongs to the request that got it, so each call gets a new one.
  const stub = () => namespace.get(namespace.idFromName('creations'))
  return {
    claim: (...claim) => stub().claim(...claim),
    read: (creationId) => stub().read(creationId),
    holderOf: (regionCode, name) => stub().holderOf(regionCode, name),
    replace: (...next) => stub().replace(...next),
    list: (...listing) => stub().list(...listing),
    due: (...due) => stub().due(...due),
    dueNotices: (...due) => stub().dueNotices(...due),
    readNotice: (...notice) => stub().readNotice(...notice),
    replaceNotice: (...next) => stub().replaceNotice(...next),
    readJobs: () => stub().readJobs(),
    replaceJobs: (...next) => stub().replaceJobs(...next),
  }
}

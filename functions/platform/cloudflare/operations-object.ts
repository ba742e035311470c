import { DurableObject } from 'cloudflare:workers'
import { sqliteStore } from '../../../shared/store/sqlite-store.ts'
import type { Store } from '../../../shared/store/store.ts'

/** The Durable Object that stores a deployment's operations in SQLite; there is only one. */
export class OperationsObject extends DurableObject implements Store {
  #store = sqliteStore({
    run: (sql, ...values) => this.ctx.storage.sql.exec(sql, ...values).toArray(),
    transaction: (work) => this.ctx.storage.transactionSync(work),
  })

  claim(...claim: Parameters<Store['claim']>) {
    return this.#store.claim(...claim)
  }

  read(operationId: string) {
    return this.#store.read(operationId)
  }

  holderOf(regionCode: string, name: string) {
    return this.#store.holderOf(regionCode, name)
  }

  replace(...next: Parameters<Store['replace']>) {
    return this.#store.replace(...next)
  }

  list(...listing: Parameters<Store['list']>) {
    return this.#store.list(...listing)
  }

  due(...due: Parameters<Store['due']>) {
    return this.#store.due(...due)
  }

  dueNotices(...due: Parameters<Store['dueNotices']>) {
    return this.#store.dueNotices(...due)
  }

  readNotice(...notice: Parameters<Store['readNotice']>) {
    return this.#store.readNotice(...notice)
  }

  replaceNotice(...next: Parameters<Store['replaceNotice']>) {
    return this.#store.replaceNotice(...next)
  }

  readJobs() {
    return this.#store.readJobs()
  }

  replaceJobs(...next: Parameters<Store['replaceJobs']>) {
    return this.#store.replaceJobs(...next)
  }
}

/** Returns the store behind the Durable Object. */
export function storeIn(namespace: DurableObjectNamespace<OperationsObject>): Store {
  // A stub belongs to the request that got it, so each call gets a new one.
  const stub = () => namespace.get(namespace.idFromName('operations'))
  return {
    claim: (...claim) => stub().claim(...claim),
    read: (operationId) => stub().read(operationId),
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

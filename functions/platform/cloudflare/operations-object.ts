import { DurableObject } from 'cloudflare:workers'
import { jsonLines } from '../../../shared/log.ts'
import type { Operation } from '../../../shared/operations/operation.ts'
import { sqliteStore } from '../../../shared/store/sqlite-store.ts'
import type {
  ClaimTerms,
  DueQuery,
  Listing,
  RecordType,
  Store,
  StoredRecord,
} from '../../../shared/store/store.ts'

/** The Durable Object that stores a deployment's records in SQLite; there is only one. */
export class OperationsObject extends DurableObject implements Store {
  #store = sqliteStore(
    {
      run: (sql, ...values) => this.ctx.storage.sql.exec(sql, ...values).toArray(),
      transaction: (work) => this.ctx.storage.transactionSync(work),
    },
    // biome-ignore lint/suspicious/noConsole: on Workers the console is the log
    jsonLines(console.log),
  )

  claim(operation: Operation, terms: ClaimTerms) {
    return this.#store.claim(operation, terms)
  }

  get<Type extends RecordType>(type: Type, id: string) {
    return this.#store.get(type, id)
  }

  holder(hold: string) {
    return this.#store.holder(hold)
  }

  commit(records: StoredRecord[]) {
    return this.#store.commit(records)
  }

  due<Type extends RecordType>(type: Type, query: DueQuery) {
    return this.#store.due(type, query)
  }

  list(listing: Listing) {
    return this.#store.list(listing)
  }
}

/** Returns the store behind the Durable Object. */
export function storeIn(namespace: DurableObjectNamespace<OperationsObject>): Store {
  // A stub belongs to the request that got it, so each call gets a new one. Its type loses the type of the records.
  const stub = () => namespace.get(namespace.idFromName('operations')) as unknown as Store
  return {
    claim: (...claim) => stub().claim(...claim),
    get: (type, id) => stub().get(type, id),
    holder: (hold) => stub().holder(hold),
    commit: (records) => stub().commit(records),
    due: (type, query) => stub().due(type, query),
    list: (listing) => stub().list(listing),
  }
}

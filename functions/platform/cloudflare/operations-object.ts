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

/** Returns the store behind the Durable Object. A call that the platform calls retryable is repeated once. */
export function storeIn(namespace: DurableObjectNamespace<OperationsObject>): Store {
  async function call<Result>(act: (store: Store) => Promise<Result>): Promise<Result> {
    // A stub belongs to the request that got it, so each call gets a new one. Its type loses the type of the records.
    const stub = () => namespace.get(namespace.idFromName('operations')) as unknown as Store
    try {
      return await act(stub())
    } catch (error) {
      if (!isRetryable(error)) throw error
      return act(stub())
    }
  }
  return {
    claim: (...claim) => call((store) => store.claim(...claim)),
    get: (type, id) => call((store) => store.get(type, id)),
    holder: (hold) => call((store) => store.holder(hold)),
    commit: (records) => call((store) => store.commit(records)),
    due: (type, query) => call((store) => store.due(type, query)),
    list: (listing) => call((store) => store.list(listing)),
  }
}

/**
 * True for a failure after which a call may be repeated at once: not if the object is overloaded.
 * Source: https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
 */
function isRetryable(error: unknown): boolean {
  const { retryable, overloaded } = error as { retryable?: boolean; overloaded?: boolean }
  return retryable === true && overloaded !== true
}

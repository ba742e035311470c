import type { JobsRecord } from '../../../shared/jobs/record.ts'
import type { Operation } from '../../../shared/operations/operation.ts'
import { type Notice, noticeRecord } from '../../../shared/outbox/notice.ts'
import type { Store } from '../../../shared/store/store.ts'

type Writing = Pick<Store, 'commit'>

/** The terms of a claim without a quota. */
export const NO_QUOTA = { quota: { since: 0 } }

/** Replaces the previous version of an operation, together with notices. */
export function replace({ commit }: Writing, record: Operation, notices: Notice[] = []) {
  return commit([{ type: 'operation', record }, ...notices.map(noticeRecord)])
}

/** Adds or replaces a notice. */
export function replaceNotice({ commit }: Writing, notice: Notice) {
  return commit([noticeRecord(notice)])
}

/** Adds or replaces the record of jobs, together with notices. */
export function replaceJobs({ commit }: Writing, record: JobsRecord, notices: Notice[] = []) {
  return commit([{ type: 'jobs', record }, ...notices.map(noticeRecord)])
}

/** Returns a store whose changes of operations go through `change`; `write` stores the operation that it is given. */
export function withChanges(
  store: Store,
  change: (
    next: Operation,
    write: (next: Operation) => Promise<boolean>,
    notices: Notice[],
  ) => Promise<boolean>,
): Store {
  return {
    ...store,
    async commit(records) {
      const [next] = records.flatMap((one) => (one.type === 'operation' ? one.record : []))
      if (!next) return store.commit(records)
      const notices = records.flatMap((one) => (one.type === 'notice' ? one.record : []))
      return change(next, (changed) => replace(store, changed, notices), notices)
    },
  }
}

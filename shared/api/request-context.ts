import type { Caller } from '../caller.ts'
import type { Context } from '../context.ts'
import type { Job } from '../jobs/job.ts'
import type { RequestKey } from '../operations/create.ts'

/** The context of one request: a context with the caller and the preferences of the request. */
export interface RequestContext extends Context {
  caller: Caller
  /** The region of requests that name none. */
  regionCode: string
  jobs: Job[]
  /** The targets that a create may name. */
  notifyTargets: string[]
  /** The time that the caller prefers to wait for an end, in seconds: 1 to 20. */
  waitSeconds?: number | undefined
  /** The key of a write with an `Idempotency-Key`. */
  key?: RequestKey | undefined
}

import type { Caller } from '../caller.ts'
import type { ReplyTo } from '../chat/command.ts'
import type { Context } from '../context.ts'
import type { Job } from '../jobs/job.ts'
import type { RequestKey } from '../operations/request.ts'

/** The context of one request: a context with the caller and the preferences of the request. */
export interface RequestContext extends Context {
  caller: Caller
  /** The region of requests that name none. */
  regionCode: string
  jobs: Job[]
  /** The targets that a create may name. */
  notifyTargets: string[]
  /** The explicit key of a change. */
  key?: RequestKey | undefined
  /** The place in a chat that gets the result. The operation is then only claimed, and left to the next tick. */
  replyTo?: ReplyTo
  /** True if a stored image is read again even if it was read a moment ago, for a caller that waits for an end. */
  mustBeFresh?: true
}

import { getOperation } from '../../shared/api/operations.ts'
import type { Page } from '../../shared/api/paging.ts'
import type { StartedOperation } from '../../shared/api/start.ts'
import type { CheckedCreate } from '../../shared/operations/create-image/dry-run.ts'
import { isSettled, knownBy, type Operation, statusOf } from '../../shared/operations/operation.ts'
import { OperationView } from '../../shared/operations/view.ts'
import { checkMessage, progressMessage } from '../../shared/outbox/messages.ts'
import { WORDINGS } from '../../shared/outbox/wording/all.ts'
import { Problem } from '../../shared/problem.ts'
import type { Answering } from './route.ts'
import { type HttpContext, PENDING_RETRY_AFTER_SECONDS, preferenceApplied } from './wait.ts'

/** Answers with one operation; a caller can wait for its end. */
export const oneOperation: Answering<Operation> = {
  reply: operationReply,
  wait: { isDone: isSettled, again: reload },
}

/** Answers with a page of operations. */
export const operations: Answering<Page<Operation>> = {
  reply: ({ items }) => ({ status: 200, lines: items.map(lineOf) }),
}

/** Answers with a new or repeated operation; a caller can wait for its end. A rejected one is answered as its problem. */
export const startedOperation = {
  reply({ operation, isReplay }, context) {
    mustNotBeRejected(operation)
    const answer = operationReply(operation, context)
    const headers = {
      ...answer.headers,
      location: `/v1/operations/${operation.operationId}`,
      ...(isReplay && { 'idempotent-replayed': 'true' }),
    }
    return { ...answer, status: startStatus(operation, isReplay), headers }
  },
  wait: {
    isDone: ({ operation }) => isSettled(operation),
    again: async ({ operation, isReplay }, context) => ({
      operation: await reload(operation, context),
      isReplay,
    }),
  },
  successes: { 201: OperationView, 202: OperationView },
} satisfies Answering<StartedOperation>

/** Answers as `startedOperation` does, or with the checks of a create. */
export const startedOrChecked: Answering<StartedOperation | CheckedCreate> = {
  reply: (result, context) =>
    'operation' in result ? startedOperation.reply(result, context) : checksReply(result),
  wait: {
    isDone: (result) => !('operation' in result) || startedOperation.wait.isDone(result),
    again: async (result, context) =>
      'operation' in result ? startedOperation.wait.again(result, context) : result,
  },
  successes: startedOperation.successes,
}

function checksReply({ checks }: CheckedCreate) {
  const failed = checks.filter(({ ok }) => !ok).length
  const lines = [
    ...checks.map((check) => `${check.ok ? '✓' : '✗'} ${checkMessage(check, WORDINGS.en)}`),
    WORDINGS.en.check.verdict({ failed }),
  ]
  return { status: 200 as const, lines }
}

/** Throws the problem of a rejected operation. */
function mustNotBeRejected({ operationId, state, problem }: Operation): void {
  if (state !== 'rejected' || !problem) return
  const { code, detail, ...extras } = problem
  throw new Problem(code, detail, { operationId, ...extras })
}

function operationReply(operation: Operation, context: HttpContext) {
  const progress = progressMessage(operation, WORDINGS.en)
  const isUnknown = knownBy(operation) !== undefined
  return {
    status: 200 as const,
    lines: [lineOf(operation), ...(isUnknown && progress ? [progress] : [])],
    headers: preferenceApplied(context),
    operationId: operation.operationId,
    retryAfterSeconds: retryAfterSeconds(operation, context.clock.now()),
  }
}

/** Returns the status of a create: 202 without an image number yet, 201 for a new image, 200 otherwise. */
function startStatus({ state }: Operation, isReplay: boolean) {
  if (state === 'accepted' || state === 'sending' || state === 'unknown') return 202
  return state === 'applied' && !isReplay ? 201 : 200
}

function retryAfterSeconds(operation: Operation, now: number): number | undefined {
  if (isSettled(operation)) return undefined
  const { state, dueAt } = operation
  return dueAt !== null && (state === 'accepted' || state === 'unknown')
    ? Math.max(1, Math.ceil((dueAt - now) / 1_000))
    : PENDING_RETRY_AFTER_SECONDS
}

/** Reads an operation and its image again. */
function reload(operation: Operation, context: HttpContext): Promise<Operation> {
  const { operationId: id } = operation
  const read = () => getOperation.run({ id }, { ...context, mustBeFresh: true })
  return context.polls.share(id, operation, context.clock.now(), read)
}

function lineOf(operation: Operation): string {
  const { operationId, name, result } = operation
  return `${operationId} ${statusOf(operation)} ${name} ${result?.imageNo ?? '-'}`
}

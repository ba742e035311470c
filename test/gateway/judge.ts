import { randomUUID } from 'node:crypto'
import { actions } from './actions.ts'
import { faults } from './faults.ts'
import type { Gateway, Injection, Received } from './gateway.ts'
import { checkEncoding, checkParameters } from './parameters.ts'
import { type Format, print } from './print.ts'
import { gatewayError, Refusal, type Reply } from './refusals.ts'
import { authenticationError } from './signature.ts'
import { type Wire, whole } from './wire.ts'
import type { Action, Outcome, World } from './world.ts'

/** Decides the answer to a request. Checks the URL first, then the signature, then the rest. */
export function judge(
  record: Received,
  { body, gateway, world }: { body: Buffer; gateway: Gateway; world: World },
): Wire {
  const action = actionOf(record)
  if (!action) return refuse(record, gatewayError('notFound', 'URL not found.'))
  const error = authenticationError(record, gateway)
  if (error) return refuse(record, error)
  const injection = take(gateway.pending, record)
  const { reply, keep } = perform(action, record, { body, world })
  if (!injection || injection.applied) keep()
  if (injection) return spoil(record, reply, { injection, gateway })
  return reply.status === 200 ? whole(print(reply, formatOf(record))) : refuse(record, reply)
}

/** Returns the path of a request-target. */
export function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? ''
}

function actionOf({ method, target, action }: Received): Action | undefined {
  const isAddressed = pathOf(target) === `/vserver/v2/${action}`
  return isAddressed && ['GET', 'POST'].includes(method) ? actions.get(action) : undefined
}

function formatOf({ parameters }: Received): Format {
  return parameters.responseFormatType === 'json' ? 'json' : 'xml'
}

function refuse(record: Received, reply: Reply): Wire {
  record.refusal = `${reply.status}/${reply.code}`
  return whole(print(reply, formatOf(record)))
}

function take(pending: Injection[], record: Received): Injection | undefined {
  const values = Object.values(record.parameters)
  const found = pending.find(
    ({ action = record.action, of }) =>
      action === record.action && (of === undefined || values.includes(of)),
  )
  if (!found) return undefined
  found.times = (found.times ?? 1) - 1
  if (found.times < 1) pending.splice(pending.indexOf(found), 1)
  return found
}

function perform(
  action: Action,
  record: Received,
  { body, world }: { body: Buffer; world: World },
): { reply: Reply; keep: () => void } {
  try {
    checkEncoding(record, body)
    checkParameters(record.parameters, action.parameters)
    const outcome = action.perform(record.parameters, world)
    return { reply: success(record.action, outcome), keep: outcome.keep ?? (() => {}) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { reply: error.reply, keep: () => {} }
  }
}

function success(action: string, { totalRows, list, rows }: Outcome): Reply {
  const envelope = {
    totalRows,
    [list]: rows,
    requestId: randomUUID(),
    returnCode: '0',
    returnMessage: 'success',
  }
  return { status: 200, code: '0', document: { [`${action}Response`]: envelope } }
}

function spoil(
  record: Received,
  reply: Reply,
  { injection: { fault }, gateway }: { injection: Injection; gateway: Gateway },
): Wire {
  record.refusal = 'fault'
  if (typeof fault !== 'string') return whole(fault)
  const { action, target, headers, at } = record
  return faults[fault]({
    reply,
    format: formatOf(record),
    action,
    target,
    headers,
    at,
    origin: gateway.origin,
  })
}

import { type Problem, problemOf } from './problem.ts'

/** The severity of a log line. */
export type Level = 'info' | 'warn' | 'error'

/** One event of the log. The list of fields is closed: it has no field for bodies, header values or query values. */
export interface LogEvent {
  event:
    | 'request'
    | 'upstream'
    | 'transition'
    | 'tick'
    | 'notification'
    | 'defect'
    | 'store'
    | 'settings'
    | 'listening'
    | 'stopped'
  requestId?: string
  caller?: string
  /** The name of an NCP action, or the declared form of a route. */
  action?: string
  status?: number
  milliseconds?: number
  /** A problem code, or the name of a setting. */
  code?: string
  /** The runtime's code or name of a failure, never its message; the cause of a 401. */
  reason?: string
  /** The id of an API key that was refused. */
  keyId?: string
  /** True for a read that found nothing and is followed by a second call. */
  fallback?: boolean
  imageNo?: string
  operationId?: string
  state?: string
  attempt?: number
  /** The number of due operations in a tick. */
  due?: number
  /** The number of new runs of jobs in a tick. */
  started?: number
  /** The name of a notification target. */
  target?: string
  port?: number
  /** The path of a database that cannot be opened. */
  file?: string
  /** The rule that a setting breaks. */
  detail?: string
  /** The type of the error of a defect or of the store and its stack frames, never its message. */
  at?: string
}

/** Takes an event. */
export type Log = (event: LogEvent) => void

/** Returns a log that prints one JSON line for each event, with its time (RFC 3339) and level. */
export function jsonLines(print: (line: string) => void): Log {
  return (event) =>
    print(JSON.stringify({ time: new Date().toISOString(), level: levelOf(event), ...event }))
}

/** Returns a log for a terminal: short lines, without successful upstream calls and ticks without work. */
export function terminalLines(print: (line: string) => void): Log {
  return (event) => {
    const line = terminalLine(event, new Date())
    if (line !== undefined) print(line)
  }
}

/** Writes an event as one short line; `undefined` for a successful upstream call or a tick without work. */
export function terminalLine(event: LogEvent, at: Date): string | undefined {
  const isIdle = event.event === 'tick' && !event.due && !event.started
  if ((isIdle || event.event === 'upstream') && levelOf(event) === 'info') return undefined
  const { event: name, action, status, state, code, reason, detail, at: place, file, port } = event
  const { caller, target, imageNo, operationId, milliseconds, due, started } = event
  const subject = imageNo ? `image ${imageNo}` : operationId
  const values = [
    action ?? name,
    ...[port, state, status, target, subject, caller, code, reason, detail, file, place],
    due !== undefined && `${due} due, ${started} started`,
    milliseconds !== undefined && `${Math.round(milliseconds)} ms`,
  ]
  const time = at.toTimeString().slice(0, 8)
  return [time, ...values.filter((value) => value !== undefined && value !== false)].join('  ')
}

/** Returns the severity of an event: `error` needs the operator, `warn` is any other failure. */
export function levelOf({ event, status = 0, code, state }: LogEvent): Level {
  switch (event) {
    case 'defect':
    case 'store':
    case 'settings':
      return 'error'
    case 'request':
      return status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info'
    case 'notification':
      return state === 'delivered' ? 'info' : 'warn'
    default:
      return code === undefined ? 'info' : 'warn'
  }
}

/** Returns a log that adds fields to every event. The event's own fields take precedence. */
export function logWith(fields: Partial<LogEvent>, log: Log): Log {
  return ({ event, ...own }) => log({ event, ...fields, ...own })
}

/** Converts an error to a problem. A defect and a failure of the store are also logged, because their problems hide the cause. */
export function toProblem(error: unknown, log: Log, requestId?: string): Problem {
  const problem = problemOf(error)
  const { code, cause } = problem
  const request = requestId === undefined ? {} : { requestId }
  if (code === 'internal') log({ event: 'defect', ...request, at: placeOf(cause) })
  if (code === 'store-unavailable') {
    const reason = reasonOf(cause)
    log({ event: 'store', ...request, code, ...(reason && { reason }), at: placeOf(cause) })
  }
  return problem
}

/** Returns the runtime's code or name of an error or of its cause. */
export function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') return code
  return reasonOf(error.cause) ?? error.name
}

/** Returns the type of an error and its stack, but not its message, which may quote anything. */
function placeOf(error: unknown): string {
  const { name, stack = '', message } = error instanceof Error ? error : new Error()
  const frames = stack.replace(message, '').match(/^\s*at .+$/gm) ?? []
  return [name, ...frames.slice(0, 5).map((frame) => frame.trim())].join(' ')
}

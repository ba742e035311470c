import { type Problem, problemOf } from './problem.ts'

/** One event of the log. The list of fields is closed: no body, header value or query value has a place. */
export interface LogEvent {
  event:
    | 'request'
    | 'upstream'
    | 'transition'
    | 'tick'
    | 'notification'
    | 'defect'
    | 'settings'
    | 'listening'
    | 'stopped'
  requestId?: string
  caller?: string
  /** An NCP action, or a route as it is declared. */
  action?: string
  status?: number
  milliseconds?: number
  /** A problem code, or the name of a setting. */
  code?: string
  /** Of a connection that failed: the runtime's code for it or its name, never its message. */
  reason?: string
  creationId?: string
  state?: string
  attempt?: number
  /** Of a tick: how many creations were due, and how many runs of jobs were started. */
  due?: number
  started?: number
  /** The name of whom was told. */
  target?: string
  port?: number
  /** Of a setting: the rule it breaks. */
  detail?: string
  /** Of a defect: the kind of error and where, never its message. */
  at?: string
}

/** Takes an event; whoever gives it adds the time. */
export type Log = (event: LogEvent) => void

/** A log that prints one JSON line an event, its time (RFC 3339) first. */
export function jsonLines(print: (line: string) => void): Log {
  return (event) => print(JSON.stringify({ time: new Date().toISOString(), ...event }))
}

/** The problem that an error is; one that is a defect of ours is logged, because its problem tells nothing. */
export function problemSeen(error: unknown, log: Log, requestId?: string): Problem {
  const problem = problemOf(error)
  if (problem.code === 'internal') logDefect(error, log, requestId)
  return problem
}

/** What kind of failure an error tells of, by the code or name that the runtime gave it or its cause. */
export function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') return code
  return reasonOf(error.cause) ?? error.name
}

/** Logs a defect of ours: the kind of error and where it arose, but not its message, which may quote anything. */
export function logDefect(error: unknown, log: Log, requestId?: string): void {
  const { name, stack = '', message } = error instanceof Error ? error : new Error()
  const frames = stack.replace(message, '').match(/^\s*at .+$/gm) ?? []
  const at = [name, ...frames.slice(0, 5).map((frame) => frame.trim())].join(' ')
  log({ event: 'defect', ...(requestId && { requestId }), at })
}

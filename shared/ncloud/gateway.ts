import { type Log, type LogEvent, reasonOf } from '../log.ts'
import { Problem } from '../problem.ts'
import { type Clock, systemClock } from '../web/clock.ts'
import { fetchTransport, type Outgoing, type Transport } from '../web/transport.ts'
import type { Action, ActionRequest } from './action.ts'
import { upstreamProblem } from './fault.ts'
import { clockOffsetMs, dateOf, judge } from './judge.ts'
import { backoffMs, retryBudget } from './retry.ts'
import { type Credentials, SIGNATURE_HEADER, signatureHeaders } from './signature.ts'

/**
 * Returns the key pair, as the same object until the pair changes. `fresh` means that the pair was refused. A source whose
 * pair can change then reads it again, at most every 30 s.
 */
export type CredentialsSource = (options: { fresh: boolean }) => Promise<Credentials>

/** The time limit of a read with all its attempts, unless the call has another one. */
const READ_LIMIT_MS = 10_000
const MAX_READ_ATTEMPTS = 3
/**
 * The time that is subtracted from the timestamp if an answer has no `Date`. Such an answer proves only that the gateway
 * accepted the timestamp, which can be ahead of its clock. This extends the horizon of 630 s to 900 s.
 */
const UNDATED_MS = 270_000

/** The options of `openGateway`. Transport and clock default to those of the platform. */
export interface GatewayOptions {
  /** The origin of the site's gateway, without a path. */
  origin: string
  credentials: CredentialsSource
  transport?: Transport | undefined
  clock?: Clock | undefined
}

/** A request that is signed but not sent, so that an attempt can be stored in between. */
export interface Signed<View> {
  /** The timestamp in the signature: milliseconds since the epoch, on the gateway's clock as far as it is known. */
  signedAt: number
  /** Sends the request, exactly once. */
  send(timeoutMs: number): Promise<View>
}

/** The options of a call. */
export interface CallOptions {
  /** The time when the call must have ended: milliseconds since the epoch. */
  deadline: number
  /** The time limit of a read with all its attempts: 10 s by default. */
  readLimitMs?: number | undefined
  log: Log
}

/** NAVER Cloud's API Gateway. */
export interface Gateway {
  /**
   * Sends a read, and retries temporary failures within the deadline and the retry budget.
   * @throws Problem with an `upstream-…` code or `image-not-found`
   */
  read<Input, Output, View>(
    action: Action<Input, Output, View>,
    input: Input & RegionOption,
    options: CallOptions,
  ): Promise<View>
  /** Signs a call without sending it. `send` throws the same problems as `read`, and never retries. */
  sign<Input, Output, View>(
    action: Action<Input, Output, View>,
    input: Input & RegionOption,
    options: CallOptions,
  ): Promise<Signed<View>>
  /** Reports to the credentials source that its key pair was refused. Must be called before the next attempt. */
  renew(): Promise<void>
}

interface RegionOption {
  regionCode: string
}

/** Opens the gateway of one site. */
export function openGateway(options: GatewayOptions): Gateway {
  const { origin, credentials, transport = fetchTransport(fetch), clock = systemClock } = options
  const budget = retryBudget(clock.now)
  let offsetMs = 0

  async function sign<Input, Output, View>(
    action: Action<Input, Output, View>,
    input: Input & RegionOption,
    options: CallOptions,
  ): Promise<Signed<View>> {
    const request = build(origin, action, input)
    // Read before the timestamp is taken, because reading the pair can take time.
    const pair = await credentials({ fresh: false })
    const signedAt = Math.round(clock.now() + offsetMs)
    const signature = await signatureHeaders(request, signedAt, pair)
    Object.assign(request.headers, signature)

    async function send(timeoutMs: number) {
      const startedAt = clock.now()
      const event: LogEvent = { event: 'upstream', action: action.name }
      try {
        const incoming = await exchange(request, action.name, timeoutMs)
        event.status = incoming.status
        const gatewayTime = dateOf(incoming) ?? signedAt - UNDATED_MS
        const secrets = [pair.accessKey, pair.secretKey, signature[SIGNATURE_HEADER]]
        const answer = { ...incoming, receivedAt: clock.now(), gatewayTime, secrets }
        if (answer.status === 401) offsetMs = clockOffsetMs(answer) ?? offsetMs
        const { output, requestId } = judge(answer, action)
        const { regionCode } = input
        return action.view(output, { action: action.name, regionCode, requestId, gatewayTime })
      } catch (problem) {
        if (problem instanceof Problem) {
          event.code = problem.code
          const reason = reasonOf(problem.extras.cause)
          if (reason) event.reason = reason
        }
        throw problem
      } finally {
        options.log({ ...event, milliseconds: clock.now() - startedAt })
      }
    }
    return { signedAt, send }
  }

  async function exchange(request: Outgoing, action: string, timeoutMs: number) {
    try {
      return await transport(request, Math.max(0, timeoutMs))
    } catch (cause) {
      const isLate = cause instanceof Error && cause.name === 'TimeoutError'
      throw upstreamProblem(isLate ? 'timeout' : 'unreachable', { action }, { cause })
    }
  }

  async function read<Input, Output, View>(
    action: Action<Input, Output, View>,
    input: Input & RegionOption,
    options: CallOptions,
  ): Promise<View> {
    const { readLimitMs = READ_LIMIT_MS } = options
    const deadline = Math.min(options.deadline, clock.now() + readLimitMs)
    let renewed = false
    budget.deposit()
    for (let attempt = 1; ; attempt++) {
      // A new signature for each attempt, because the gateway refuses old timestamps.
      const signed = await sign(action, input, options)
      try {
        // A slow answer is worth more than another attempt that begins from nothing.
        return await signed.send(deadline - clock.now())
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem
        if (problem.code === 'upstream-credentials' && !renewed && attempt < MAX_READ_ATTEMPTS) {
          renewed = true
          await renew()
          continue
        }
        const delay = (problem.extras.retryAfterSeconds ?? 0) * 1_000 || backoffMs(attempt)
        const inTime = clock.now() + delay < deadline
        const again =
          problem.retryable && attempt < MAX_READ_ATTEMPTS && inTime && budget.withdraw()
        if (!again) throw problem
        await clock.sleep(delay)
      }
    }
  }

  async function renew() {
    await credentials({ fresh: true })
  }

  return { read, sign, renew }
}

/** Builds a request. Signature and transport use the same URL object. */
function build<Input>(
  origin: string,
  action: ActionRequest<Input>,
  input: Input & RegionOption,
): Outgoing {
  const { method } = action
  const url = new URL(actionPath(action), origin)
  const form = new URLSearchParams(sentParameters(action, input)).toString()
  if (method === 'POST') return { method, url, headers: { ...HEADERS, ...FORM }, body: form }
  // Each `+` is a space, because a literal plus is %2B. Every query parser understands %20; `+` is only for forms.
  url.search = form.replaceAll('+', '%20')
  return { method, url, headers: { ...HEADERS }, body: null }
}

const HEADERS = {
  accept: 'application/json',
  'accept-encoding': 'identity',
  'user-agent': 'ncloud-image-relay',
}
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

/** Returns the path of an action on the VPC platform. */
export function actionPath(action: { name: string }): string {
  return `/vserver/v2/${action.name}`
}

/** Returns all parameters of a call as they are sent. */
export function sentParameters<Input>(
  action: ActionRequest<Input>,
  input: Input & RegionOption,
): Record<string, string> {
  const parameters = { regionCode: input.regionCode, ...action.parameters(input) }
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
  return Object.fromEntries([...given.map(([name, value]) => [name, String(value)]), JSON_FORMAT])
}

// The API answers XML by default.
const JSON_FORMAT = ['responseFormatType', 'json']

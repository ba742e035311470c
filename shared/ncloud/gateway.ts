import { type Clock, systemClock } from '../clock.ts'
import { type LogEvent, reasonOf } from '../log.ts'
import { Problem } from '../problem.ts'
import { fetchTransport, type Outgoing, type Transport } from '../transport.ts'
import type { Work } from '../work.ts'
import type { Action, Asked } from './action.ts'
import { upstreamProblem } from './fault.ts'
import { clockOffsetMs, dateOf, judge } from './judge.ts'
import { backoffMs, retryBudget } from './retry.ts'
import { type Credentials, signatureHeaders } from './signature.ts'

/**
 * Where a key pair comes from: the same object as long as it has not changed. `fresh` says that it was refused, so that
 * a source that can have another one looks, at most every 30 s.
 */
export type CredentialsSource = (options: { fresh: boolean }) => Promise<Credentials>

/** How long a read may take with all its attempts, and one attempt of it. */
const READ_MS = 10_000
const READ_ATTEMPT_MS = 4_000
const READ_ATTEMPTS = 3
/**
 * An answer without a `Date` tells only that the gateway let the timestamp pass, which may run ahead of it: a horizon of
 * 630 s becomes one of 900 s.
 */
const UNDATED_MS = 270_000

/** What `openGateway` is made of; what is not given is the platform's own. */
export interface GatewayOptions {
  /** The origin of the site's gateway, without a path. */
  origin: string
  credentials: CredentialsSource
  transport?: Transport | undefined
  clock?: Clock | undefined
}

/** A request that is signed but not sent: what must be stored lies between the two. */
export interface Signed<View> {
  /** The timestamp that is sent: milliseconds since the epoch, on the gateway's clock as far as it is known. */
  signedAt: number
  /** Sends it, once whatever happens. */
  send(timeoutMs: number): Promise<View>
}

/** NAVER Cloud's API Gateway as the relay sees it. */
export interface Gateway {
  /**
   * Reads, and tries again what may pass as long as time and budget last.
   * @throws Problem with an `upstream-…` code or `image-not-found`
   */
  read<Input, Output, View>(
    action: Action<Input, Output, View>,
    input: Input & Region,
    work: Work,
  ): Promise<View>
  /** Signs a call. Sending it fails as a read does, and is never repeated. */
  sign<Input, Output, View>(
    action: Action<Input, Output, View>,
    input: Input & Region,
    work: Work,
  ): Promise<Signed<View>>
  /** Between `upstream-credentials` and a next try: tells the source that its key pair was refused. */
  renew(): Promise<void>
}

interface Region {
  regionCode: string
}

/** Opens the way to one site's gateway. */
export function openGateway(options: GatewayOptions): Gateway {
  const { origin, credentials, transport = fetchTransport(fetch), clock = systemClock } = options
  const budget = retryBudget(clock.now)
  let offsetMs = 0

  async function sign<Input, Output, View>(
    action: Action<Input, Output, View>,
    input: Input & Region,
    work: Work,
  ): Promise<Signed<View>> {
    const request = build(origin, action, input)
    // First, because it may have to be read anew.
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
        const answer = { ...incoming, receivedAt: clock.now(), gatewayTime }
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
        work.log({ ...event, milliseconds: clock.now() - startedAt })
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
    input: Input & Region,
    work: Work,
  ): Promise<View> {
    const deadline = Math.min(work.deadline, clock.now() + READ_MS)
    let renewed = false
    budget.deposit()
    for (let attempt = 1; ; attempt++) {
      // Signed anew each time: an old timestamp is refused.
      const signed = await sign(action, input, work)
      try {
        return await signed.send(Math.min(READ_ATTEMPT_MS, deadline - clock.now()))
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem
        if (problem.code === 'upstream-credentials' && !renewed && attempt < READ_ATTEMPTS) {
          renewed = true
          await renew()
          continue
        }
        const delay = (problem.extras.retryAfterSeconds ?? 0) * 1_000 || backoffMs(attempt)
        const inTime = clock.now() + delay < deadline
        const again = problem.retryable && attempt < READ_ATTEMPTS && inTime && budget.withdraw()
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

/** Builds a request around one URL, which is signed and sent. */
function build<Input>(origin: string, action: Asked<Input>, input: Input & Region): Outgoing {
  const { method } = action
  const url = new URL(pathOf(action), origin)
  const form = new URLSearchParams(sentParameters(action, input)).toString()
  if (method === 'POST') return { method, url, headers: { ...HEADERS, ...FORM }, body: form }
  // A literal plus is %2B by now; %20 is a space to every reader of a query, `+` only to those of forms.
  url.search = form.replaceAll('+', '%20')
  return { method, url, headers: { ...HEADERS }, body: null }
}

const HEADERS = {
  accept: 'application/json',
  'accept-encoding': 'identity',
  'user-agent': 'ncloud-image-relay',
}
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

/** The path of an action on the VPC platform. */
export function pathOf(action: { name: string }): string {
  return `/vserver/v2/${action.name}`
}

/** All parameters of a call as they are sent. */
export function sentParameters<Input>(
  action: Asked<Input>,
  input: Input & Region,
): Record<string, string> {
  const parameters = { regionCode: input.regionCode, ...action.parameters(input) }
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
  return Object.fromEntries([...given.map(([name, value]) => [name, String(value)]), JSON_FORMAT])
}

// XML is what the API answers unless asked.
const JSON_FORMAT = ['responseFormatType', 'json']

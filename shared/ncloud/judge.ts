import * as v from 'valibot'
import { decodeUtf8 } from '../body.ts'
import type { Upstream } from '../problem.ts'
import { httpDate, retryAfterSeconds } from '../retry-after.ts'
import type { Incoming } from '../transport.ts'
import type { Action } from './action.ts'
import {
  type Fault,
  faultOfGatewayError,
  faultOfResponseError,
  faultOfStatus,
  upstreamProblem,
} from './fault.ts'
import { scanXml } from './xml.ts'

/** The gateway refuses timestamps further off. Source: https://api.ncloud-docs.com/docs/en/compute-vserver */
const WINDOW_MS = 300_000
const MAX_MESSAGE_CHARACTERS = 500
const MAX_ID_CHARACTERS = 100
/** The `returnCode` of success. */
const SUCCESS = '0'

const Code = v.nullish(v.union([v.string(), v.pipe(v.number(), v.transform(String))]))
const Text = v.nullish(v.string())

/** What stands below a root: the gateway's error, the Server API's, its one odd variant, or the end of a success. */
const Below = v.object({
  errorCode: Code,
  message: Text,
  returnCode: Code,
  returnMessage: Text,
  responseCode: Code,
  responseMessage: Text,
  requestId: Text,
})

/** What came back, and when: milliseconds since the epoch. */
export interface Answer extends Incoming {
  /** By the relay's own clock. */
  receivedAt: number
  /** By the gateway's, at the least. */
  gatewayTime: number
}

/** A body as far as its first byte and its root tell. */
interface Content {
  root: string
  code?: string | null | undefined
  message?: string | null | undefined
  requestId?: string | null | undefined
  /** What stands below the root; of JSON only. */
  below?: unknown
}

/**
 * Turns an answer into the output of its action. The body is judged by its first byte: the content type lies.
 * @throws Problem with an `upstream-…` code or `image-not-found`
 */
export function judge<Output, View>(answer: Answer, action: Action<never, Output, View>) {
  const { status, headers, gatewayTime } = answer
  const content = contentOf(answer.body)
  const { root, message, requestId } = content
  const code = content.code === SUCCESS ? undefined : content.code
  if (root.endsWith('Response') && status >= 200 && status < 300 && !code) {
    const parsed = v.safeParse(action.output, content.below)
    if (parsed.success) return { output: parsed.output, requestId: requestId || null }
  }
  const fault = faultOf(content, status, action.method === 'GET')
  const said: Upstream = {
    action: action.name,
    status,
    ...(code && { code: code.slice(0, MAX_ID_CHARACTERS) }),
    ...(code && message && { message: message.slice(0, MAX_MESSAGE_CHARACTERS) }),
    ...(requestId && { requestId: requestId.slice(0, MAX_ID_CHARACTERS) }),
  }
  throw upstreamProblem(fault, said, {
    more: noteOn(fault, said, answer),
    retryAfterSeconds: retryAfterSeconds(headers),
    gatewayTime,
  })
}

function faultOf({ root, code }: Content, status: number, reads: boolean): Fault {
  if (code && root === 'error') return faultOfGatewayError(status, code)
  if (code && root === 'responseError') return faultOfResponseError(status, code, reads)
  return faultOfStatus(status)
}

/** How far the gateway's clock is ahead of the relay's, by the answer's `Date`; `undefined` without one. */
export function clockOffsetMs(answer: Answer): number | undefined {
  const date = dateOf(answer)
  return date === undefined ? undefined : date - answer.receivedAt
}

/** The `Date` of an answer in milliseconds since the epoch; `undefined` without one. */
export function dateOf({ headers }: Incoming): number | undefined {
  const date = httpDate(headers.get('date'))
  return Number.isNaN(date) ? undefined : date
}

/** What a person in a terminal, who sees the detail alone, has to know beside the fault. */
function noteOn(fault: Fault, { message }: Upstream, answer: Answer): string {
  if (fault === 'credentials') return clockNote(answer)
  return fault === 'refused' && message ? `: ${message}` : ''
}

function clockNote(answer: Answer): string {
  const offset = clockOffsetMs(answer)
  if (offset === undefined) return ''
  return Math.abs(offset) > WINDOW_MS
    ? '; the clock of the relay is more than 5 minutes off'
    : '; the clock of the relay is right'
}

function contentOf(body: Uint8Array | undefined): Content {
  const text = body && decodeUtf8(body)?.trimStart()
  const content = text?.startsWith('<') ? scanXml(text) : jsonContent(text ?? '')
  return content ?? { root: '' }
}

function jsonContent(text: string): Content | undefined {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return undefined
  }
  // The root key is whatever single one stands there: the pages name some of them wrong.
  const roots = Object.entries(body instanceof Object ? body : {}).filter(([key]) => isRoot(key))
  const [[root, below] = ['', undefined]] = roots
  const { success, output } = v.safeParse(Below, below)
  if (roots.length !== 1 || !success) return undefined
  const code = output.returnCode ?? output.responseCode ?? output.errorCode
  const message = output.returnMessage ?? output.responseMessage ?? output.message
  return { root, code, message, requestId: output.requestId, below }
}

function isRoot(key: string) {
  return key.endsWith('Response') || key === 'responseError' || key === 'error'
}

import * as v from 'valibot'
import type { Upstream } from '../problem.ts'
import { decodeUtf8Leniently } from '../web/body.ts'
import { parseJson } from '../web/json.ts'
import { httpDate, retryAfterSeconds } from '../web/retry-after.ts'
import type { Incoming } from '../web/transport.ts'
import type { Action } from './action.ts'
import {
  blanked,
  type Fault,
  faultOfGatewayError,
  faultOfResponseError,
  faultOfStatus,
  upstreamProblem,
} from './fault.ts'
import { ShownText } from './values.ts'
import { scanXml } from './xml.ts'

/** The maximum deviation of a timestamp that the gateway accepts. Source: https://api.ncloud-docs.com/docs/en/compute-vserver */
const WINDOW_MS = 300_000
const MAX_MESSAGE_CHARACTERS = 500
const MAX_ID_CHARACTERS = 100
/** The faults that a wrong clock can cause. */
const CREDENTIAL_FAULTS: Fault[] = ['credentials', 'unauthenticated', 'credentialsElsewhere']
/** The `returnCode` of success. */
const SUCCESS = '0'

const Code = v.nullish(v.union([v.string(), v.pipe(v.number(), v.transform(String))]))

/** The members of a root: the gateway's error, the Server API's error or its variant, or a success. */
const Below = v.object({
  errorCode: Code,
  message: ShownText,
  returnCode: Code,
  returnMessage: ShownText,
  responseCode: Code,
  responseMessage: ShownText,
  requestId: ShownText,
})

/** An answer with its times, in milliseconds since the epoch. */
export interface Answer extends Incoming {
  /** The time of arrival on the relay's clock. */
  receivedAt: number
  /** The earliest possible time on the gateway's clock when it answered. */
  gatewayTime: number
  /** The parts of the request that no message may repeat. */
  secrets?: readonly string[]
}

/** The parts of a body that determine the result. */
interface Content {
  root: string
  code?: string | null | undefined
  message?: string | null | undefined
  requestId?: string | null | undefined
  /** The value below the root, if the body is JSON. */
  below?: unknown
}

/**
 * Returns the output of an action from its answer. The first character of the body determines the format, because the
 * content type is often wrong.
 * @throws Problem with an `upstream-…` code or `image-not-found`
 */
export function judge<Output, View>(answer: Answer, action: Action<never, Output, View>) {
  const { status, headers, gatewayTime } = answer
  const content = contentOf(answer.body)
  const { root, message } = content
  // Secrets are blanked first, because a cut secret would not be recognised.
  const passedOn = (text: string, maxCharacters: number) =>
    blanked(text, answer.secrets ?? []).slice(0, maxCharacters)
  const requestId = content.requestId ? passedOn(content.requestId, MAX_ID_CHARACTERS) : null
  const code = content.code === SUCCESS ? undefined : content.code
  if (root.endsWith('Response') && status >= 200 && status < 300 && !code) {
    const parsed = v.safeParse(action.output, content.below)
    if (parsed.success) return { output: parsed.output, requestId }
  }
  const fault = faultOf(content, status, action.method === 'GET')
  const upstream: Upstream = {
    action: action.name,
    status,
    ...(code && { code: passedOn(code, MAX_ID_CHARACTERS) }),
    ...(code && message && { message: passedOn(message, MAX_MESSAGE_CHARACTERS) }),
    ...(requestId && { requestId }),
  }
  throw upstreamProblem(fault, upstream, {
    more: noteOn(fault, upstream, answer),
    retryAfterSeconds: retryAfterSeconds(headers),
    gatewayTime,
  })
}

function faultOf({ root, code }: Content, status: number, isRead: boolean): Fault {
  if (code && root === 'error') return faultOfGatewayError(status, code)
  if (code && root === 'responseError') return faultOfResponseError(status, code, isRead)
  return faultOfStatus(status)
}

/** Returns the gateway's time, by the answer's `Date`, minus the relay's, in milliseconds; `undefined` without a `Date`. */
export function clockOffsetMs(answer: Answer): number | undefined {
  const date = dateOf(answer)
  return date === undefined ? undefined : date - answer.receivedAt
}

/** Returns the `Date` of an answer in milliseconds since the epoch; `undefined` without one. */
export function dateOf({ headers }: Incoming): number | undefined {
  const date = httpDate(headers.get('date'))
  return Number.isNaN(date) ? undefined : date
}

/** Returns a text to append to the detail, for people who see only the detail. */
function noteOn(fault: Fault, { message }: Upstream, answer: Answer): string {
  if (CREDENTIAL_FAULTS.includes(fault)) return clockNote(answer)
  return fault === 'refused' && message ? `: ${message}` : ''
}

function clockNote(answer: Answer): string {
  const offset = clockOffsetMs(answer)
  if (offset === undefined) return ''
  return Math.abs(offset) > WINDOW_MS
    ? '. The clock of the relay is wrong by more than 5 minutes'
    : '. The clock of the relay is right, so check the key pair'
}

function contentOf(body: Uint8Array | undefined): Content {
  const text = body && decodeUtf8Leniently(body).trimStart()
  const content = text?.startsWith('<') ? scanXml(text) : jsonContent(text ?? '')
  return content ?? { root: '' }
}

function jsonContent(text: string): Content | undefined {
  const body = parseJson(text)
  // Any single root key counts, because NAVER Cloud's pages name some of them wrongly.
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

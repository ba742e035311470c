import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import {
  edited,
  failing,
  rooted,
  withAnotherRow,
  withExtraFields,
  withLyingRows,
  withNumericReturnCode,
  withOddTypes,
  withoutOptionalFields,
  withRepeatedRows,
  withUnknownCodes,
} from './distortions.ts'
import { type Answer, type Format, print } from './print.ts'
import { type Document, gatewayError, type Reply, responseError } from './refusals.ts'
import {
  afterHints,
  drip,
  flood,
  half,
  later,
  silence,
  switched,
  type Wire,
  whole,
} from './wire.ts'

/** The reply without a fault, and the request that it answers. */
export interface Truth {
  reply: Reply
  format: Format
  action: string
  target: string
  headers: Record<string, string>
  origin: string
  at: number
}

type Fault = (truth: Truth) => Wire

const DEPTH = 1_000_000
const BOMB_BYTES = 25 * 1_048_576
const INVALID_UTF8 = Buffer.from([0xc3, 0x28, 0xff])

const documentedCreate = readFileSync(
  new URL('../fixtures/create-server-image-from-snapshot.json', import.meta.url),
)

/** The faults that can be injected, by name. */
export const faults = {
  'html-502': () => whole(page(502)),
  'html-200': () => whole(page(200)),
  'empty-200': () => whole({ status: 200, body: '' }),
  'xml-success': ({ reply }) => whole(print(reply, 'xml')),
  'xml-response-error': () => whole(print(responseError('parameter'), 'xml')),
  'xml-gateway-error': () => whole(print(gatewayError('badRequest'), 'xml')),
  'json-as-text-plain': (truth) =>
    whole({ ...normalAnswer(truth), headers: { 'Content-Type': 'text/plain;charset=UTF-8' } }),
  'wrong-root': changedDocument((document) => rooted(document, 'getServerImageListResponse')),
  'unknown-root': changedDocument((document) => rooted(document, 'result')),
  'failing-return-code': (truth) =>
    error({ status: 200, code: '1300', document: failing(truth.action) })(truth),
  'error-in-200': error({ ...gatewayError('authenticationFailed'), status: 200 }),
  'response-error-in-200': error({ ...responseError('parameter'), status: 200 }),
  'doc-sample-invalid': () => whole(json(documentedCreate)),
  truncated: changedBody((body) => body.subarray(0, body.length / 2)),
  'reset-before': () => silence('reset'),
  'reset-in-body': (truth) => half(normalAnswer(truth), 'reset'),
  'close-before': () => silence('close'),
  'close-in-body': (truth) => half(normalAnswer(truth), 'close'),
  hang: () => silence('hang'),
  'hang-in-body': (truth) => half(normalAnswer(truth), 'hang'),
  drip: (truth) => drip(normalAnswer(truth)),
  giant: ({ action }) => flood(json(`{"${action}Response":{"totalRows":1,"padding":"`)),
  deep: ({ action }) => whole(json(`${brackets(action)}${']'.repeat(DEPTH)}}`)),
  'deep-open': ({ action }) => whole(json(brackets(action))),
  'invalid-utf8': changedBody(withInvalidBytes),
  'byte-order-mark': changedBody((body) => Buffer.concat([Buffer.from('\uFEFF'), body])),
  redirect: ({ origin, target }) =>
    whole({ status: 307, headers: { Location: `${origin}/elsewhere${target}` }, body: '' }),
  throttled: throttled(() => '1'),
  'throttled-absurd': throttled(() => `1${'0'.repeat(30)}`),
  'throttled-negative': throttled(() => '-5'),
  'throttled-date': throttled(({ at }) => new Date(at + 2000).toUTCString()),
  'throttled-text': throttled(() => 'soon'),
  'throttled-bare': error(gatewayError('throttled')),
  'quota-exceeded': error(gatewayError('quotaExceeded')),
  'rate-limited': error(gatewayError('rateLimited')),
  credentials: error(gatewayError('authenticationFailed', 'Invalid authentication information.')),
  permission: error(gatewayError('permissionDenied', 'A subscription to the API is required.')),
  authority: error(responseError('authority')),
  'not-found-url': error(gatewayError('notFound', 'URL not found.')),
  'too-large': error(gatewayError('tooLarge')),
  'bad-request': error(gatewayError('badRequest')),
  forbidden: error(gatewayError('forbidden')),
  'endpoint-error': error(gatewayError('endpointError')),
  'endpoint-timeout': error(gatewayError('endpointTimeout')),
  'forbidden-permission': error({ ...gatewayError('permissionDenied'), status: 403 }),
  unexpected: error(gatewayError('unexpected')),
  'try-later': error(responseError('tryLater')),
  refused: error(responseError('noSuchProduct')),
  'quoted-headers': (truth) =>
    error(responseError('parameter', `Headers: ${JSON.stringify(truth.headers)}`))(truth),
  'in-operation': error(responseError('inOperation')),
  'no-such-image': error(responseError('noSuchImage')),
  'response-code-variant': error({
    status: 500,
    code: '3000100',
    document: {
      responseError: {
        responseCode: '3000100',
        responseMessage: 'External interworking failed.',
      },
    },
  }),
  'numeric-error-code': error({
    ...gatewayError('authenticationFailed'),
    document: { error: { errorCode: 200, message: 'Authentication Failed', details: '' } },
  }),
  'numeric-return-code': changedDocument(withNumericReturnCode),
  'extra-fields': changedDocument(withExtraFields),
  'missing-fields': changedDocument(withoutOptionalFields),
  'unknown-codes': changedDocument(withUnknownCodes),
  'odd-types': changedDocument(withOddTypes),
  'edited-description': changedDocument(edited),
  'another-row': changedDocument(withAnotherRow),
  'repeated-rows': changedDocument(withRepeatedRows),
  slow: (truth) => later(normalAnswer(truth)),
  'rows-lie': changedDocument(withLyingRows),
  gzip: (truth) => whole(gzipped(normalAnswer(truth))),
  'gzip-bomb': ({ action }) => whole(bomb(action)),
  informational: (truth) => afterHints(normalAnswer(truth)),
  'switching-protocols': () => switched,
} satisfies Record<string, Fault>

/** The name of a fault. */
export type FaultName = keyof typeof faults

function normalAnswer({ reply, format }: Truth): Answer {
  return print(reply, format)
}

function changedDocument(change: (document: Document) => Document): Fault {
  return ({ reply, format }) => whole(print({ ...reply, document: change(reply.document) }, format))
}

function changedBody(change: (body: Buffer) => Buffer): Fault {
  return (truth) => {
    const answer = normalAnswer(truth)
    return whole({ ...answer, body: change(Buffer.from(answer.body)) })
  }
}

function error(reply: Reply): Fault {
  return ({ format }) => whole(print(reply, format))
}

function throttled(retryAfter: (truth: Truth) => string): Fault {
  return (truth) => {
    const answer = print(gatewayError('throttled'), truth.format)
    return whole({ ...answer, headers: { ...answer.headers, 'Retry-After': retryAfter(truth) } })
  }
}

function page(status: number): Answer {
  return {
    status,
    headers: { 'Content-Type': 'text/html' },
    body: '<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>',
  }
}

function json(body: string | Uint8Array): Answer {
  return { status: 200, headers: { 'Content-Type': 'application/json;charset=UTF-8' }, body }
}

function brackets(action: string): string {
  return `{"${action}Response":${'['.repeat(DEPTH)}`
}

const bombs = new Map<string, Answer>()

/** Returns the gzip bomb of an action. Caches it, because compression blocks the process for a good part of a second. */
function bomb(action: string): Answer {
  const known = bombs.get(action)
  if (known) return known
  const padding = ' '.repeat(BOMB_BYTES)
  const answer = gzipped(json(`{"${action}Response":{"returnCode":"0","padding":"${padding}"}}`))
  bombs.set(action, answer)
  return answer
}

function gzipped({ headers, ...answer }: Answer): Answer {
  return {
    ...answer,
    headers: { ...headers, 'Content-Encoding': 'gzip' },
    body: gzipSync(answer.body),
  }
}

// Inserts the bytes into the last text of the body, JSON or XML.
function withInvalidBytes(body: Buffer): Buffer {
  const at = Math.max(body.lastIndexOf('"'), body.lastIndexOf('</'))
  return Buffer.concat([body.subarray(0, at), INVALID_UTF8, body.subarray(at)])
}

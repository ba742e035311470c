import { describe, expect, test } from 'vitest'
import { createServerImageFromSnapshot } from '../../../shared/ncloud/actions/create-server-image-from-snapshot.ts'
import { getMemberServerImageInstanceDetail } from '../../../shared/ncloud/actions/get-member-server-image-instance-detail.ts'
import { getServerImageDetail } from '../../../shared/ncloud/actions/get-server-image-detail.ts'
import { judge } from '../../../shared/ncloud/judge.ts'
import { Problem } from '../../../shared/problem.ts'

const utf8 = new TextEncoder()

function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return {
    status,
    headers: new Headers(headers),
    body: utf8.encode(text),
    receivedAt: 0,
    gatewayTime: 0,
  }
}

function problemOf(
  given: ReturnType<typeof answer>,
  action = getServerImageDetail as never,
): Problem {
  try {
    judge(given, action)
  } catch (problem) {
    if (problem instanceof Problem) return problem
    throw problem
  }
  throw new Error('No problem')
}

const gatewayError = (errorCode: unknown) => ({
  error: { errorCode, message: 'Said', details: '' },
})
const responseError = (returnCode: unknown) => ({
  responseError: { returnCode, returnMessage: 'Said' },
})
const row = { serverImageNo: '1', serverImageName: 'one' }
const success = (root: string, more: object = {}) => ({
  [root]: { totalRows: 1, serverImageList: [row], requestId: 'r', returnCode: '0', ...more },
})

test('the detail of a refusal quotes the gateway’s message', () => {
  const refused = problemOf(answer(400, responseError('1')))
  expect(refused.message).toBe('NAVER Cloud refused the request: Said')
})

describe('a success', () => {
  test.each([
    ['with the documented root', success('getServerImageDetailResponse')],
    ['with another root, as one page prints it', success('getServerImageListResponse')],
    ['with a number as its code', success('getServerImageDetailResponse', { returnCode: 0 })],
    ['with an unknown field', success('getServerImageDetailResponse', { brandNew: { x: 1 } })],
    ['after a byte order mark', `\uFEFF${JSON.stringify(success('aResponse'))}`],
    ['after white space', `\n\t ${JSON.stringify(success('aResponse'))}`],
  ])('is read %s', (_, body) => {
    const { output, requestId } = judge(answer(200, body), getServerImageDetail)
    expect(output.rows[0]?.serverImageNo).toBe('1')
    expect(requestId).toBe('r')
  })

  test('of a read may have no row, and no list if totalRows is 0', () => {
    const none = { xResponse: { totalRows: 0, returnCode: '0' } }
    expect(judge(answer(200, none), getServerImageDetail).output.rows).toEqual([])
  })

  test('has a request id only if the answer has one', () => {
    const body = success('xResponse', { requestId: '' })
    expect(judge(answer(200, body), getServerImageDetail).requestId).toBeNull()
  })
})

describe('an answer in a 200 that is not a success', () => {
  test.each([
    ['a missing list', { xResponse: { totalRows: 1, returnCode: '0' } }],
    ['a row without a number', { xResponse: { serverImageList: [{ serverImageName: 'a' }] } }],
    [
      'a number beyond 2⁵³',
      { xResponse: { serverImageList: [{ ...row, serverImageNo: 2 ** 60 }] } },
    ],
    ['two roots', { ...success('aResponse'), ...success('bResponse') }],
    ['a root beside an error', { ...success('aResponse'), ...gatewayError('200') }],
    ['another root', { result: {} }],
    ['a list', [success('aResponse')]],
    ['null', null],
    ['a number', 42],
    ['an error without a code', { error: {} }],
    ['a failing returnCode', { xResponse: { totalRows: 0, returnCode: '1300' } }],
    ['a trailing comma', '{"xResponse":{},}'],
    ['two documents', '{}{}'],
    ['HTML', '<html></html>'],
    ['an empty text', ''],
    ['a success in XML', '<xResponse><returnCode>0</returnCode></xResponse>'],
    ['an error inside a 200', gatewayError('200')],
    ['a responseError inside a 200', responseError('1300')],
  ])('may be %s', (_, body) => {
    expect(problemOf(answer(200, body)).code).toBe('upstream-malformed')
  })

  test('may be bytes that are not UTF-8, or more bytes than the limit', () => {
    const broken = { ...answer(200, ''), body: new Uint8Array([0x7b, 0xc3, 0x28, 0x7d]) }
    expect(problemOf(broken).code).toBe('upstream-malformed')
    expect(problemOf({ ...broken, body: undefined as never }).code).toBe('upstream-malformed')
  })

  test.each([0, 2])('may be a create with %i rows, which possibly had an effect', (rows) => {
    const list = Array.from({ length: rows }, () => row)
    const body = { xResponse: { totalRows: rows, serverImageList: list, returnCode: '0' } }
    const problem = problemOf(answer(200, body), createServerImageFromSnapshot as never)
    expect(problem.code).toBe('upstream-malformed')
    expect(problem.extras.effect).toBe('possible')
  })
})

/** Status, body, problem code, and the effect of a write. */
const table: [number, unknown, string, string][] = [
  [400, gatewayError('100'), 'upstream-refused', 'none'],
  [401, gatewayError('200'), 'upstream-credentials', 'none'],
  [401, gatewayError(200), 'upstream-credentials', 'none'],
  [401, gatewayError('210'), 'upstream-permission', 'none'],
  // Section 4 of the contract: 401 is the key pair, except 210; 403 is a permission. Definite are only the documented codes.
  [401, gatewayError('220'), 'upstream-credentials', 'possible'],
  [401, gatewayError('999'), 'upstream-credentials', 'possible'],
  [401, '<html></html>', 'upstream-credentials', 'possible'],
  [401, responseError('1300'), 'upstream-credentials', 'look-up'],
  [401, responseError('800'), 'upstream-permission', 'look-up'],
  [403, gatewayError('230'), 'upstream-permission', 'possible'],
  [403, gatewayError('210'), 'upstream-permission', 'possible'],
  [403, '<html></html>', 'upstream-permission', 'possible'],
  [403, responseError('1300'), 'upstream-permission', 'look-up'],
  [404, gatewayError('300'), 'upstream-refused', 'none'],
  [413, gatewayError('430'), 'upstream-refused', 'none'],
  [429, gatewayError('400'), 'upstream-throttled', 'none'],
  [429, gatewayError('410'), 'upstream-throttled', 'none'],
  [429, gatewayError('420'), 'upstream-throttled', 'none'],
  [429, '<html></html>', 'upstream-throttled', 'possible'],
  [429, responseError('1000'), 'upstream-throttled', 'possible'],
  [500, gatewayError('900'), 'upstream-error', 'possible'],
  [503, gatewayError('500'), 'upstream-error', 'possible'],
  [504, gatewayError('510'), 'upstream-error', 'possible'],
  [502, '<html></html>', 'upstream-error', 'possible'],
  [500, responseError('1000'), 'upstream-error', 'possible'],
  [500, { responseError: { responseCode: '3000100' } }, 'upstream-error', 'possible'],
  [400, responseError('1401'), 'upstream-refused', 'look-up'],
  [400, responseError(1401), 'upstream-refused', 'look-up'],
  [400, responseError('800'), 'upstream-permission', 'look-up'],
  [500, responseError('800'), 'upstream-permission', 'possible'],
  [400, responseError('1104037'), 'image-not-found', 'look-up'],
  [500, responseError('1104037'), 'image-not-found', 'possible'],
  [401, '<error><errorCode>200</errorCode></error>', 'upstream-credentials', 'none'],
  [
    400,
    '<responseError><returnCode>1300</returnCode></responseError>',
    'upstream-refused',
    'look-up',
  ],
  [400, '<html></html>', 'upstream-malformed', 'possible'],
  [418, gatewayError('1'), 'upstream-malformed', 'possible'],
  [307, '', 'upstream-malformed', 'possible'],
  [404, success('xResponse'), 'upstream-malformed', 'possible'],
  [500, success('xResponse'), 'upstream-error', 'possible'],
]

test.each(table)('%i %j is %s, with the effect of a write: %s', (status, body, code, effect) => {
  const problem = problemOf(answer(status, body))
  expect([problem.code, problem.extras.effect]).toEqual([code, effect])
})

test('a create that is refused for a missing image has the code upstream-refused', () => {
  const problem = problemOf(
    answer(400, responseError('1104037')),
    createServerImageFromSnapshot as never,
  )
  expect(problem.code).toBe('upstream-refused')
})

test('passes on the code and at most 500 characters of the message', () => {
  const body = { responseError: { returnCode: '1401', returnMessage: 'x'.repeat(9_000) } }
  const { upstream } = problemOf(answer(400, body)).extras
  expect(upstream).toEqual({
    action: 'getServerImageDetail',
    status: 400,
    code: '1401',
    message: 'x'.repeat(500),
  })
})

describe('a message that quotes the request', () => {
  const accessKey = 'AbCdEfGhIjKlMnOpQrSt'
  const signature = 'q+2Xl/8vYz0ne+G1AbC5dEfGhIjKlMnOpQrStUvWxYz='
  const quoting = (written: string, more = '') => {
    const said = `${more}x-ncp-iam-access-key: ${accessKey}, x-ncp-apigw-signature-v2: ${written}; end`
    const body = { responseError: { returnCode: '1300', returnMessage: said } }
    return problemOf({ ...answer(400, body), secrets: [accessKey, signature] } as never)
  }
  const blank = 'x-ncp-iam-access-key: ***, x-ncp-apigw-signature-v2: ***'

  test.each([
    ['as it is', signature],
    ['for a URL', encodeURIComponent(signature)],
    ['with a space for each plus', signature.replaceAll('+', ' ')],
    [
      'for HTML',
      signature.replaceAll('+', '&#43;').replaceAll('/', '&#x2F;').replace('=', '&#61;'),
    ],
    [
      'for JSON',
      signature.replaceAll('+', '\\u002b').replaceAll('/', '\\/').replace('=', '\\u003d'),
    ],
    ['without padding', signature.slice(0, -1)],
  ])('is passed on without key and signature, written %s', (_, written) => {
    const { message, extras } = quoting(written)
    expect(extras.upstream?.message).toContain(blank)
    expect(message).toContain(blank)
    expect(JSON.stringify([message, extras])).not.toMatch(/AbC/i)
  })

  test('has no part of a secret where it is cut', () => {
    for (let length = 380; length < 500; length++) {
      const { extras } = quoting(signature, '.'.repeat(length))
      expect(extras.upstream?.message).not.toMatch(/AbC|q\+2/)
    }
  })

  test('has no secret in code or request id either', () => {
    const body = { responseError: { returnCode: accessKey, requestId: signature } }
    const { extras } = problemOf({ ...answer(400, body), secrets: [accessKey, signature] } as never)
    expect(extras.upstream).toMatchObject({ code: '***', requestId: '***' })
  })
})

describe('the detail of refused credentials', () => {
  const receivedAt = Date.UTC(2026, 10, 21, 10, 0, 0)
  test.each([
    ['Sat, 21 Nov 2026 10:00:01 GMT', 'The clock of the relay is right'],
    ['Sat, 21 Nov 2026 10:04:59 GMT', 'The clock of the relay is right'],
    ['Sat, 21 Nov 2026 10:05:01 GMT', 'wrong by more than 5 minutes'],
    ['Sat, 21 Nov 2026 09:54:59 GMT', 'wrong by more than 5 minutes'],
  ])('compares the relay’s clock with Date: %s', (date, words) => {
    const given = { ...answer(401, gatewayError('200'), { date }), receivedAt }
    expect(problemOf(given).message).toContain(words)
  })

  test('does not mention the clock without a Date', () => {
    expect(problemOf(answer(401, gatewayError('200'))).message).not.toContain('clock')
  })
})

test('reads an answer with a million brackets', () => {
  const depth = 500_000
  const text = `{"xResponse":{"totalRows":0,"x":${'['.repeat(depth)}${']'.repeat(depth)}}}`
  expect(judge(answer(200, text), getMemberServerImageInstanceDetail).output.rows).toEqual([])
})

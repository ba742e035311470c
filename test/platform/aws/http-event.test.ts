import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { describe, expect, test } from 'vitest'
import { isHttpEvent, requestOf, resultOf } from '../../../functions/platform/aws/http-event.ts'

/** The example of AWS's documentation without the fields for authorizers. */
const example: APIGatewayProxyEventV2 = {
  version: '2.0',
  routeKey: '$default',
  rawPath: '/my/path',
  rawQueryString: 'parameter1=value1&parameter1=value2&parameter2=value',
  cookies: ['cookie1', 'cookie2'],
  headers: { header1: 'value1', header2: 'value1,value2' },
  queryStringParameters: { parameter1: 'value1,value2', parameter2: 'value' },
  requestContext: {
    accountId: '123456789012',
    apiId: 'api-id',
    domainName: 'id.execute-api.us-east-1.amazonaws.com',
    domainPrefix: 'id',
    http: {
      method: 'POST',
      path: '/my/path',
      protocol: 'HTTP/1.1',
      sourceIp: '192.0.2.1',
      userAgent: 'agent',
    },
    requestId: 'id',
    routeKey: '$default',
    stage: '$default',
    time: '12/Mar/2020:19:03:58 +0000',
    timeEpoch: 1583348638390,
  },
  body: 'Hello from client',
  isBase64Encoded: false,
}
const withMethod = (method: string) => ({
  ...example.requestContext,
  http: { ...example.requestContext.http, method },
})

describe('an HTTP event', () => {
  test('becomes a request with its method, URL, headers and body', async () => {
    const request = requestOf(example)
    expect([request.method, request.url]).toEqual([
      'POST',
      'https://id.execute-api.us-east-1.amazonaws.com/my/path?parameter1=value1&parameter1=value2&parameter2=value',
    ])
    expect(Object.fromEntries(request.headers)).toMatchObject({
      header1: 'value1',
      header2: 'value1,value2',
    })
    expect(await request.text()).toBe('Hello from client')
  })

  test('keeps the bytes of a body, as base64 or as text', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28])
    const encoded = { ...example, body: bytes.toString('base64'), isBase64Encoded: true }
    expect(Buffer.from(await requestOf(encoded).arrayBuffer())).toEqual(bytes)
    const text = '{"name":"서버 이미지 👩‍💻"}'
    expect(await requestOf({ ...example, body: text }).text()).toBe(text)
  })

  test.each([
    ['/v1/images/1?name=x', '/v1/images/1%3Fname=x'],
    ['/v1/images/1#x', '/v1/images/1%23x'],
    ['/v1/images/서버', '/v1/images/%EC%84%9C%EB%B2%84'],
    ['/v1/images/%EC%84%9C', '/v1/images/%EC%84%9C'],
    ['//evil.example/v1', '//evil.example/v1'],
  ])('with the path %s becomes a request with the path %s', (rawPath, pathname) => {
    const url = new URL(requestOf({ ...example, rawPath, rawQueryString: 'a=%23&b=1+2' }).url)
    expect([url.host, url.pathname, url.search]).toEqual([
      'id.execute-api.us-east-1.amazonaws.com',
      pathname,
      '?a=%23&b=1+2',
    ])
  })

  test.each(['GET', 'HEAD'])('with the method %s loses its body', (method) => {
    const request = requestOf({ ...example, requestContext: withMethod(method) })
    expect([request.method, request.body]).toEqual([method, null])
  })

  test('replaces characters that a header cannot contain', () => {
    const headers = { latin: 'é', 'idempotency-key': '한글', none: undefined }
    const request = requestOf({ ...example, headers })
    expect(request.headers.get('latin')).toBe('é')
    // Different keys may become equal. The result is not visible ASCII, so it is not a valid key.
    expect(request.headers.get('idempotency-key')).toMatch(/^\xff+$/)
  })

  test.each(['\n', '\r', '\0', '\x7f'])('replaces %j in headers', (character) => {
    const request = requestOf({ ...example, headers: { prefer: `wait=1${character}x: y` } })
    expect([...request.headers]).toEqual(expect.arrayContaining([['prefer', 'wait=1\xffx: y']]))
  })

  test.each(['TRACE', 'CONNECT', 'TRACK'])('with the method %s becomes OPTIONS', (method) => {
    expect(requestOf({ ...example, requestContext: withMethod(method) }).method).toBe('OPTIONS')
  })

  test('must have payload format 2.0', () => {
    // REST APIs and load balancers send such events.
    const { rawPath: _, ...older } = { ...example, path: '/my/path', httpMethod: 'POST' }
    expect(() => isHttpEvent(older)).toThrow(/payload format 2\.0$/)
  })

  test('is distinguished from the event of a timer', () => {
    expect(isHttpEvent(example)).toBe(true)
    expect(isHttpEvent({ source: 'aws.events', 'detail-type': 'Scheduled Event' })).toBe(false)
    expect(isHttpEvent({})).toBe(false)
  })
})

test('a result has the status, headers and text of a response', async () => {
  const headers = { 'content-type': 'application/json', vary: 'Prefer, Accept' }
  const body = '{"name":"서버"}\n'
  expect(await resultOf(new Response(body, { status: 202, headers }))).toEqual({
    statusCode: 202,
    headers,
    body,
  })
  expect(await resultOf(new Response(null, { status: 304 }))).toEqual({
    statusCode: 304,
    headers: {},
    body: '',
  })
})

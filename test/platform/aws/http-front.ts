import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { openLocalServer } from '../../support/local-server.ts'
import { FunctionError, type Lambda } from './lambda.ts'

/** The AWS service that turns HTTP requests into events. */
export type Front = 'an HTTP API' | 'a function URL'

/** The content types of bodies that are passed on as text. */
const TEXT = /^(text\/|application\/(json|javascript|xml))/

/** Opens an HTTP server that passes requests to a function. */
export function openFront(front: Front, lambda: Lambda) {
  return openLocalServer(async (request, response) => {
    const event = eventOf(front, request, Buffer.concat(await request.toArray()))
    try {
      const result = (await lambda.invoke(event)) as APIGatewayProxyStructuredResultV2
      const { statusCode = 0, headers = {}, body = '', isBase64Encoded } = result
      response.writeHead(statusCode, headers as Record<string, string>)
      response.end(Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'))
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error
      // The caller sees nothing of the error.
      response.writeHead(502).end('Internal Server Error')
    }
  })
}

/**
 * Converts a request to an event of payload format 2.0. An HTTP API decodes the path and cuts it at a decoded `?`; a
 * function URL does not. Source, with recorded events of both: https://github.com/middleapi/standard-server/pull/93
 */
export function eventOf(
  front: Front,
  { method = 'GET', url = '/', headers: { cookie, ...headers } }: IncomingMessage,
  body: Buffer,
): APIGatewayProxyEventV2 {
  const [path = '', ...search] = url.split('?')
  const rawQueryString = search.join('?')
  const rawPath = front === 'an HTTP API' ? decoded(path).replace(/\?.*/s, '') : path
  // AWS does not document text that is not UTF-8. As text it would lose bytes, so it is sent as base64.
  const isText = isUtf8(body) && TEXT.test(headers['content-type'] ?? '')
  const routeKey = '$default'
  return {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString,
    ...(cookie && { cookies: cookie.split('; ') }),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, String(value)]),
    ),
    requestContext: {
      accountId: '000000000000',
      apiId: 'api',
      domainName: headers.host ?? '',
      domainPrefix: 'api',
      http: {
        method,
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey,
      stage: '$default',
      time: '22/Nov/2026:00:00:00 +0000',
      timeEpoch: Date.UTC(2026, 10, 22),
    },
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/**
 * What the relay reads of a request as API Gateway's HTTP APIs (payload format 2.0) and function URLs hand it on.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export interface HttpEvent {
  rawPath: string
  rawQueryString: string
  headers: Record<string, string | undefined>
  requestContext: { domainName: string; http: { method: string } }
  body?: string
  isBase64Encoded: boolean
}

/** What Lambda makes an HTTP response of. */
export interface HttpResult {
  statusCode: number
  headers: Record<string, string>
  body: string
}

/** What `Request` does not hold. No route takes them, nor what stands in their place. */
const UNHELD = ['CONNECT', 'TRACE', 'TRACK']

/** Whether an event is a request; if not, a timer sent it. Throws for a request in another payload format. */
export function isHttpEvent(event: object): event is HttpEvent {
  if (!('requestContext' in event)) return false
  if (!('rawPath' in event)) throw new Error('Events must be of payload format 2.0')
  return true
}

/** The request that an event stands for; its body has the bytes that were sent. */
export function requestOf(event: HttpEvent): Request {
  const { requestContext, rawPath, rawQueryString, body, isBase64Encoded } = event
  const { method: named } = requestContext.http
  const method = UNHELD.includes(named) ? 'OPTIONS' : named
  const url = new URL(`https://${requestContext.domainName}`)
  // HTTP APIs decode the path: by its setter, what was %23 does not become the beginning of a fragment.
  url.pathname = rawPath
  url.search = rawQueryString
  const hasBody = body !== undefined && method !== 'GET' && method !== 'HEAD'
  return new Request(url, {
    method,
    headers: headersOf(event),
    ...(hasBody && { body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8') }),
  })
}

/** A response as Lambda takes it; all bodies of the relay are text. */
export async function resultOf(response: Response): Promise<HttpResult> {
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}

/** Headers are bytes, but come decoded: what no header holds becomes a byte that is in none of those the relay reads. */
function headersOf({ headers }: HttpEvent): [string, string][] {
  return Object.entries(headers).map(([name, value = '']) => [
    name,
    value.replace(/[^\t -~\x80-\xff]/gu, '\xff'),
  ])
}

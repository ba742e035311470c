/**
 * A request as API Gateway's HTTP APIs (payload format 2.0) and function URLs pass it on: the fields that are read.
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

/** A response in the format of Lambda. */
export interface HttpResult {
  statusCode: number
  headers: Record<string, string>
  body: string
}

/** The methods that `Request` does not accept. They become OPTIONS; no route takes either. */
const UNSUPPORTED_METHODS = ['CONNECT', 'TRACE', 'TRACK']

/** True if an event is a request; otherwise a timer sent it. Throws for a request in another payload format. */
export function isHttpEvent(event: object): event is HttpEvent {
  if (!('requestContext' in event)) return false
  if (!('rawPath' in event)) throw new Error('Events must be of payload format 2.0')
  return true
}

/** Converts an event to a request; its body has the bytes that were sent. */
export function requestOf(event: HttpEvent): Request {
  const { requestContext, rawPath, rawQueryString, body, isBase64Encoded } = event
  const { method: named } = requestContext.http
  const method = UNSUPPORTED_METHODS.includes(named) ? 'OPTIONS' : named
  const url = new URL(`https://${requestContext.domainName}`)
  // HTTP APIs decode the path. The setter encodes it again, so that %23 does not start a fragment.
  url.pathname = rawPath
  url.search = rawQueryString
  const hasBody = body !== undefined && method !== 'GET' && method !== 'HEAD'
  return new Request(url, {
    method,
    headers: headersOf(event),
    ...(hasBody && { body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8') }),
  })
}

/** Converts a response to the format of Lambda; all bodies of the relay are text. */
export async function resultOf(response: Response): Promise<HttpResult> {
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}

/**
 * Returns the headers, which arrive decoded. A character that no header can contain becomes 0xFF, a byte that is not
 * valid in any header that the relay reads.
 */
function headersOf({ headers }: HttpEvent): [string, string][] {
  return Object.entries(headers).map(([name, value = '']) => [
    name,
    value.replace(/[^\t -~\x80-\xff]/gu, '\xff'),
  ])
}

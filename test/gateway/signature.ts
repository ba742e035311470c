import { createHmac } from 'node:crypto'
import { gatewayError, type Reply } from './refusals.ts'

/** An access key and its secret key. */
export interface Keys {
  accessKey: string
  secretKey: string
}

const TOLERANCE_MS = 300_000

/** Returns the correct signature of a request line, in base64. */
export function signatureOf(
  line: { method: string; target: string; timestamp: string },
  keys: Keys,
): string {
  const message = `${line.method} ${line.target}\n${line.timestamp}\n${keys.accessKey}`
  // Node reads request lines and headers as latin1, so latin1 restores the bytes that were sent.
  const bytes = Buffer.from(message, 'latin1')
  return createHmac('sha256', keys.secretKey).update(bytes).digest('base64')
}

/** Returns the error if a request is not authentic at its time of arrival, else null. */
export function authenticationError(
  request: { method: string; target: string; headers: Record<string, string>; at: number },
  keys: Keys,
): Reply | null {
  const timestamp = request.headers['x-ncp-apigw-timestamp']
  const accessKey = request.headers['x-ncp-iam-access-key']
  const signature = request.headers['x-ncp-apigw-signature-v2']
  if (!timestamp || !accessKey || !signature) {
    return gatewayError('authenticationFailed', 'Authentication information are missing.')
  }
  const authentic =
    /^\d+$/.test(timestamp) &&
    Math.abs(request.at - Number(timestamp)) <= TOLERANCE_MS &&
    accessKey === keys.accessKey &&
    signature === signatureOf({ ...request, timestamp }, keys)
  if (authentic) return null
  return gatewayError('authenticationFailed', 'Invalid authentication information.')
}

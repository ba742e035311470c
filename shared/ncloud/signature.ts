import { hmacBase64, hmacKey } from '../web/hmac.ts'

/** A key pair of an NCP account or sub-account. */
export interface Credentials {
  accessKey: string
  secretKey: string
}

/** The header of the signature. */
export const SIGNATURE_HEADER = 'x-ncp-apigw-signature-v2'

const utf8 = new TextEncoder()

// Keyed by the pair itself, so that the key of a rotated pair is dropped with it. The value is the key, not a promise:
// on Workers a request must not wait for a promise of another request.
const imported = new WeakMap<Credentials, CryptoKey>()

async function signingKey(credentials: Credentials): Promise<CryptoKey> {
  const known = imported.get(credentials)
  if (known) return known
  const key = await hmacKey(utf8.encode(credentials.secretKey))
  imported.set(credentials, key)
  return key
}

/**
 * Returns the string that API Gateway's signature v2 signs. `target` is path and query as they are sent; the body is not
 * part of it. Source: https://api.ncloud-docs.com/docs/en/common-ncpapi
 */
export function stringToSign(
  method: string,
  target: string,
  timestamp: string,
  accessKey: string,
): string {
  return `${method} ${target}\n${timestamp}\n${accessKey}`
}

/** Signs a string: HMAC-SHA256 with the secret key, in base64. The key is imported once for each pair. */
export async function signature(text: string, credentials: Credentials): Promise<string> {
  return hmacBase64(await signingKey(credentials), text)
}

/** Returns the three headers that sign a request. `signedAt` is in milliseconds since the epoch, on the gateway's clock. */
export async function signatureHeaders(
  request: { method: string; url: URL },
  signedAt: number,
  credentials: Credentials,
) {
  const { method, url } = request
  const timestamp = String(signedAt)
  const text = stringToSign(method, url.pathname + url.search, timestamp, credentials.accessKey)
  return {
    'x-ncp-apigw-timestamp': timestamp,
    'x-ncp-iam-access-key': credentials.accessKey,
    [SIGNATURE_HEADER]: await signature(text, credentials),
  }
}

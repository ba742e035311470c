import { readBody } from './body.ts'

/** The longest answer that is read. */
export const MAX_BODY_BYTES = 1_048_576

/** A request as it goes out. */
export interface Outgoing {
  method: 'GET' | 'POST'
  url: URL
  headers: Record<string, string>
  body: string | null
}

/** What comes back, whole. */
export interface Incoming {
  status: number
  headers: Pick<Headers, 'get'>
  /** `undefined` when it was longer than the relay reads. */
  body: Uint8Array | undefined
}

/**
 * Carries one request there and its whole answer back, once: no redirect is followed, nothing is repeated. After
 * `timeoutMs`, connecting, headers and body together, it fails with an error that is named `TimeoutError`.
 */
export type Transport = (request: Outgoing, timeoutMs: number) => Promise<Incoming>

/** The transport of every platform, over its `fetch`. */
export function fetchTransport(fetch: typeof globalThis.fetch): Transport {
  return async ({ url, ...init }, timeoutMs) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const { status, headers, body } = await fetch(url, { ...init, redirect: 'manual', signal })
    return { status, headers, body: await readBody(body, MAX_BODY_BYTES) }
  }
}

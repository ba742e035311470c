import { readBody } from './body.ts'

/** The maximum size of the body of an answer, in bytes. */
export const MAX_ANSWER_BYTES = 2 * 1_048_576

/** An outgoing request. */
export interface Outgoing {
  method: 'GET' | 'POST'
  url: URL
  headers: Record<string, string>
  body: string | null
}

/** A complete answer. */
export interface Incoming {
  status: number
  headers: Pick<Headers, 'get'>
  /** `undefined` if the body was longer than `MAX_ANSWER_BYTES`. */
  body: Uint8Array | undefined
}

/**
 * Sends one request, without redirects and retries, and reads the whole answer. Fails with an error named `TimeoutError`
 * after `timeoutMs` for connecting, headers and body together.
 */
export type Transport = (request: Outgoing, timeoutMs: number) => Promise<Incoming>

/** Returns a transport over `fetch`, for every platform. */
export function fetchTransport(fetch: typeof globalThis.fetch): Transport {
  return async ({ url, ...init }, timeoutMs) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const { status, headers, body } = await fetch(url, { ...init, redirect: 'manual', signal })
    return { status, headers, body: await readBody(body, MAX_ANSWER_BYTES) }
  }
}

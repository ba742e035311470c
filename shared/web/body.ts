const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
const lenientUtf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: false })

/**
 * Reads a body to its end and counts the bytes that arrive, because a declared length may be wrong. Returns
 * `undefined` and cancels the rest as soon as the body is longer than `maxBytes`. Rejects once `signal` is aborted.
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  signal?: AbortSignal,
) {
  const chunks: Uint8Array[] = []
  let length = 0
  if (body) {
    const reader = body.getReader()
    // Not awaited: a peer that never stops sending must not delay the answer.
    const cancel = () => reader.cancel().catch(() => {})
    signal?.addEventListener('abort', cancel)
    for (;;) {
      const { done, value } = await reader.read()
      signal?.throwIfAborted()
      if (done) break
      length += value.length
      if (length > maxBytes) {
        cancel()
        return undefined
      }
      chunks.push(value)
    }
    signal?.removeEventListener('abort', cancel)
  }
  return concatenate(chunks, length)
}

function concatenate(chunks: Uint8Array[], length: number): Uint8Array {
  const [only] = chunks
  if (only && chunks.length === 1) return only
  const whole = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}

/** Decodes UTF-8 and drops a byte order mark; `undefined` for bytes that are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Decodes UTF-8 and drops a byte order mark. Bytes that are not UTF-8 become U+FFFD. */
export function decodeUtf8Leniently(bytes: Uint8Array): string {
  return lenientUtf8.decode(bytes)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/**
 * Reads a body to its end, counting what really arrives: a declared length may lie.
 * `undefined`, and the rest cancelled, as soon as it is longer than `maxBytes`.
 */
export async function readBody(body: ReadableStream<Uint8Array> | null, maxBytes: number) {
  const chunks: Uint8Array[] = []
  let length = 0
  if (body) {
    const reader = body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
      if (length > maxBytes) {
        // Not awaited: a peer that never stops sending must not hold the answer up.
        reader.cancel().catch(() => {})
        return undefined
      }
      chunks.push(value)
    }
  }
  return concatenated(chunks, length)
}

function concatenated(chunks: Uint8Array[], length: number): Uint8Array {
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

/** The text of UTF-8 bytes less a byte order mark; `undefined` where they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

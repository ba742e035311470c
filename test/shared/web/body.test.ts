import { describe, expect, test } from 'vitest'
import { decodeUtf8, readBody } from '../../../shared/web/body.ts'

/** Returns an endless body, with the number of bytes that were read from it. */
function endless(chunkBytes: number) {
  const taken = { bytes: 0, isCancelled: false }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        taken.bytes += chunkBytes
        controller.enqueue(new Uint8Array(chunkBytes))
      },
      cancel() {
        taken.isCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { body, taken }
}

function bodyOf(...chunks: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk))
      controller.close()
    },
  })
}

describe('a body', () => {
  test.each([
    [['one'], 'one'],
    [['one', ' ', 'two'], 'one two'],
    [[], ''],
  ])('of %j is read completely', async (chunks, text) => {
    const bytes = await readBody(bodyOf(...chunks), 100)
    expect(decodeUtf8(bytes as Uint8Array)).toBe(text)
  })

  test('that is missing is read as empty', async () => {
    expect(await readBody(null, 100)).toEqual(new Uint8Array(0))
  })

  test('may be as long as the limit but not longer', async () => {
    expect(await readBody(bodyOf('x'.repeat(100)), 100)).toHaveLength(100)
    expect(await readBody(bodyOf('x'.repeat(101)), 100)).toBeUndefined()
  })

  test.each([1_000, 65_536])(
    'without end is cancelled after the limit, in chunks of %i',
    async (chunk) => {
      const { body, taken } = endless(chunk)
      expect(await readBody(body, 1_048_576)).toBeUndefined()
      expect(taken.bytes).toBeLessThanOrEqual(1_048_576 + chunk)
      expect(taken.isCancelled).toBe(true)
    },
  )

  test('that breaks off rejects the read', async () => {
    const { promise, reject } = Promise.withResolvers<void>()
    const broken = new ReadableStream<Uint8Array>({ pull: () => promise })
    reject(new Error('Reset'))
    await expect(readBody(broken, 100)).rejects.toThrow('Reset')
  })
})

describe('text', () => {
  test('loses its byte order mark', () => {
    expect(decodeUtf8(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))).toBe('a')
  })

  test.each([
    ['an overlong form', [0xc0, 0xaf]],
    ['a lone continuation', [0x80]],
    ['a half character', [0xed, 0x95]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
  ])('is not decoded from %s', (_, bytes) => {
    expect(decodeUtf8(new Uint8Array(bytes))).toBeUndefined()
  })
})

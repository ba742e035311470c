import http from 'node:http'
import https from 'node:https'
import { createGunzip } from 'node:zlib'
import { type Incoming, MAX_ANSWER_BYTES, type Transport } from '../../../shared/transport.ts'

/**
 * A transport over `node:http`, on Node, Deno and Bun alike. Each POST gets a connection of its own: Deno's `fetch`
 * sends one again by itself when its connection breaks, even a new one, and a create must arrive once. Reads share
 * connections; over Node's `fetch` one would cost more than all the rest that the relay does for it.
 */
export function httpTransport(): Transport {
  const agents = {
    plain: new http.Agent({ keepAlive: true }),
    secure: new https.Agent({ keepAlive: true }),
  }

  return ({ url, body, ...request }, timeoutMs) => {
    let timer: NodeJS.Timeout | undefined
    const exchanged = new Promise<Incoming>((resolve, reject) => {
      const isSecure = url.protocol === 'https:'
      const agent = request.method === 'GET' && (isSecure ? agents.secure : agents.plain)
      const sent = (isSecure ? https : http).request(url, { ...request, agent })
      const arrived = ({ statusCode: status = 0, headers }: http.IncomingMessage, body?: Buffer) =>
        resolve({ status, headers: { get: (name) => String(headers[name] ?? '') }, body })

      sent.on('response', (answer) => {
        // Not asked for; but `fetch` decodes it where the Worker runs, and the answers must be the same.
        const isZipped = /^(x-)?gzip$/i.test(answer.headers['content-encoding'] ?? '')
        const content = isZipped ? answer.pipe(createGunzip()) : answer
        const chunks: Uint8Array[] = []
        let length = 0
        content.on('data', (chunk: Uint8Array) => {
          length += chunk.length
          chunks.push(chunk)
          if (length <= MAX_ANSWER_BYTES) return
          arrived(answer)
          sent.destroy()
        })
        content.on('end', () => arrived(answer, Buffer.concat(chunks)))
        for (const stream of [answer, content]) stream.on('error', reject)
      })
      // An answer of 101, which nobody asked for either: without this it would never end.
      sent.on('upgrade', (answer, socket) => {
        arrived(answer, Buffer.alloc(0))
        socket.destroy()
      })
      timer = setTimeout(() => {
        reject(new DOMException('Too slow', 'TimeoutError'))
        sent.destroy()
      }, timeoutMs)
      sent.on('error', reject)
      sent.end(body ?? undefined)
    })
    return exchanged.finally(() => clearTimeout(timer))
  }
}

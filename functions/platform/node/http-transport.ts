import http from 'node:http'
import https from 'node:https'
import { createGunzip } from 'node:zlib'
import { MAX_BODY_BYTES, type Transport } from '../../../shared/ncloud/transport.ts'

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

  return ({ url, body, ...request }, timeoutMs) =>
    new Promise((resolve, reject) => {
      const isSecure = url.protocol === 'https:'
      const agent = request.method === 'GET' && (isSecure ? agents.secure : agents.plain)
      const sent = (isSecure ? https : http).request(url, { ...request, agent }, (answer) => {
        const { statusCode: status = 0, headers } = answer
        const arrived = (bytes?: Uint8Array) =>
          resolve({ status, headers: { get: (name) => String(headers[name] ?? '') }, body: bytes })
        // Not asked for; but `fetch` decodes it where the Worker runs, and the answers must be the same.
        const body = headers['content-encoding'] === 'gzip' ? answer.pipe(createGunzip()) : answer
        const chunks: Uint8Array[] = []
        let length = 0
        body.on('data', (chunk: Uint8Array) => {
          length += chunk.length
          chunks.push(chunk)
          if (length <= MAX_BODY_BYTES) return
          arrived(undefined)
          sent.destroy()
        })
        body.on('end', () => arrived(Buffer.concat(chunks)))
        for (const stream of [answer, body]) stream.on('error', reject)
      })
      const timer = setTimeout(() => {
        reject(new DOMException('The gateway is too slow', 'TimeoutError'))
        sent.destroy()
      }, timeoutMs)
      sent.on('close', () => clearTimeout(timer))
      sent.on('error', reject)
      sent.end(body ?? undefined)
    })
}

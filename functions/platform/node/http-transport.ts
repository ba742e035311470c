import http from 'node:http'
import https from 'node:https'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { reasonOf } from '../../../shared/log.ts'
import { type Incoming, MAX_ANSWER_BYTES, type Transport } from '../../../shared/web/transport.ts'

const gunzipped = promisify(gunzip)

/**
 * Creates a transport over `node:http`, for Node, Deno and Bun. A create must arrive only once, but Deno's `fetch` repeats
 * a POST when its connection breaks, even a new connection. So each POST gets a connection of its own. Reads share
 * connections. With Node's `fetch`, a read would cost more than all other work of the relay for it.
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
        const chunks: Uint8Array[] = []
        let length = 0
        answer.on('data', (chunk: Uint8Array) => {
          length += chunk.length
          chunks.push(chunk)
          if (length <= MAX_ANSWER_BYTES) return
          arrived(answer)
          sent.destroy()
        })
        answer.on('end', () => {
          const encoding = answer.headers['content-encoding'] ?? ''
          decoded(Buffer.concat(chunks), encoding).then((body) => arrived(answer, body), reject)
        })
        answer.on('error', reject)
      })
      // The relay does not ask for an upgrade either. Without this handler an answer of 101 would never end.
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

/**
 * Decodes a body that is declared as gzip; `undefined` if it would be too long. An empty body is left empty. The relay does
 * not ask for gzip, but the Worker's `fetch` decodes it, and all platforms must give the same answer.
 */
async function decoded(body: Buffer, encoding: string): Promise<Buffer | undefined> {
  if (body.length === 0 || !/^(x-)?gzip$/i.test(encoding)) return body
  try {
    return await gunzipped(body, { maxOutputLength: MAX_ANSWER_BYTES })
  } catch (error) {
    if (reasonOf(error) === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw error
  }
}

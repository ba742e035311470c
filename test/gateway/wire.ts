import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Answer } from './print.ts'

/** A request, its response and its record. */
export interface Exchange {
  incoming: IncomingMessage
  outgoing: ServerResponse
  record: { sent: number }
}

/** Writes an answer to the connection, or breaks the connection. */
export type Wire = (exchange: Exchange) => void

/** Time for the client to read the first half of an answer. A reset may discard unread data. */
const BEFORE_RESET_MS = 50
const SLOW_MS = 5000
const DRIP_MS = 1000
const GIANT_CHUNK = Buffer.alloc(65_536, 'x')
const GIANT_CHUNKS = 16_384

/** Ways to end a connection in the middle of an exchange. */
export const endings = {
  reset: (socket: Socket) => socket.resetAndDestroy(),
  close: (socket: Socket) => socket.end(),
  hang: () => {},
}

/** Sends the whole answer. */
export function whole(answer: Answer): Wire {
  return ({ outgoing }) => {
    outgoing.writeHead(answer.status, headersOf(answer)).end(answer.body)
  }
}

/** Sends the whole answer after 5 s. */
export function later(answer: Answer): Wire {
  return (exchange) => {
    const timer = setTimeout(() => whole(answer)(exchange), SLOW_MS)
    exchange.outgoing.once('close', () => clearTimeout(timer))
  }
}

/** Sends the answer after a 103 Early Hints. */
export function afterHints(answer: Answer): Wire {
  return (exchange) => {
    exchange.outgoing.writeEarlyHints({ link: '</hint.css>; rel=preload; as=style' })
    whole(answer)(exchange)
  }
}

/** Switches to a protocol that the client did not request. */
export function switched({ incoming }: Exchange): void {
  incoming.socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\n',
  )
}

/** Sends no answer. */
export function silence(end: keyof typeof endings): Wire {
  return ({ incoming }) => endings[end](incoming.socket)
}

/** Sends all headers and half of the body. */
export function half(answer: Answer, end: keyof typeof endings): Wire {
  return ({ incoming, outgoing }) => {
    const body = Buffer.from(answer.body)
    outgoing.writeHead(answer.status, headersOf(answer))
    outgoing.write(body.subarray(0, body.length / 2))
    // The event loop reads once more before `setImmediate`, however late the timer is.
    setTimeout(() => setImmediate(() => endings[end](incoming.socket)), BEFORE_RESET_MS)
  }
}

/** Sends the headers at once, then one byte of the body per second. */
export function drip(answer: Answer): Wire {
  return ({ outgoing, record }) => {
    const bytes = Buffer.from(answer.body)
    outgoing.writeHead(answer.status, headersOf(answer)).flushHeaders()
    const timer = setInterval(() => {
      outgoing.write(bytes.subarray(record.sent, ++record.sent))
      if (record.sent === bytes.length) outgoing.end()
    }, DRIP_MS)
    outgoing.once('close', () => clearInterval(timer))
  }
}

/** Sends a beginning, then 1 GiB at the pace of the reader. */
export function flood(beginning: Answer): Wire {
  return ({ outgoing, record }) => {
    outgoing.writeHead(beginning.status, beginning.headers)
    const pour = (chunk: string | Uint8Array, left: number) => {
      outgoing.write(chunk, (error) => {
        if (error || outgoing.destroyed) return
        record.sent += Buffer.byteLength(chunk)
        if (left > 0) pour(GIANT_CHUNK, left - 1)
        else outgoing.end()
      })
    }
    pour(beginning.body, GIANT_CHUNKS)
  }
}

function headersOf(answer: Answer): Record<string, string> {
  return { 'Content-Length': String(Buffer.byteLength(answer.body)), ...answer.headers }
}

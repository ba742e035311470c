import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Answer } from './print.ts'

/** One request and the place its answer goes. */
export interface Exchange {
  incoming: IncomingMessage
  outgoing: ServerResponse
  record: { sent: number }
}

/** Puts something on the wire, or fails to. */
export type Wire = (exchange: Exchange) => void

/** Time for the first half of an answer to be read: a reset may throw away what was not. */
const BEFORE_RESET_MS = 50
const DRIP_MS = 1000
const GIANT_CHUNK = Buffer.alloc(65_536, 'x')
const GIANT_CHUNKS = 16_384

/** How a connection can end in the middle of things. */
export const endings = {
  reset: (socket: Socket) => socket.resetAndDestroy(),
  close: (socket: Socket) => socket.end(),
  hang: () => {},
}

/** The answer as it should be. */
export function whole(answer: Answer): Wire {
  return ({ outgoing }) => {
    outgoing.writeHead(answer.status, headersOf(answer)).end(answer.body)
  }
}

/** The answer after a 103 Early Hints. */
export function afterHints(answer: Answer): Wire {
  return (exchange) => {
    exchange.outgoing.writeEarlyHints({ link: '</hint.css>; rel=preload; as=style' })
    whole(answer)(exchange)
  }
}

/** Another protocol, for which nobody asked. */
export function switched({ incoming }: Exchange): void {
  incoming.socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\n',
  )
}

/** No answer at all. */
export function silence(end: keyof typeof endings): Wire {
  return ({ incoming }) => endings[end](incoming.socket)
}

/** All the headers and half the body. */
export function half(answer: Answer, end: keyof typeof endings): Wire {
  return ({ incoming, outgoing }) => {
    const body = Buffer.from(answer.body)
    outgoing.writeHead(answer.status, headersOf(answer))
    outgoing.write(body.subarray(0, body.length / 2))
    // The event loop reads once more before `setImmediate`, however late the timer is.
    setTimeout(() => setImmediate(() => endings[end](incoming.socket)), BEFORE_RESET_MS)
  }
}

/** The headers at once, then the body byte by byte. */
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

/** A beginning, then 1 GiB at the pace of the reader. */
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

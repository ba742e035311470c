import net from 'node:net'
import { until } from './until.ts'

/** A connection to a server, without any client that would correct what is sent. */
export interface RawConnection {
  socket: net.Socket
  /** Returns everything that arrived so far. */
  received(): string
  /** Resolves once the connection is closed. */
  closed: Promise<void>
}

/** Opens a connection to the server at a URL, and sends text, each character as one byte. */
export async function openRaw(url: string, text = ''): Promise<RawConnection> {
  const { hostname, port } = new URL(url)
  const socket = net.connect(Number(port), hostname.replace(/^\[|\]$/g, ''))
  let received = ''
  socket.setEncoding('latin1')
  socket.on('data', (data) => {
    received += data
  })
  // A connection that is reset is also closed.
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await Promise.race([closed, new Promise<void>((resolve) => socket.once('connect', resolve))])
  if (text) socket.write(text, 'latin1')
  return { socket, received: () => received, closed }
}

/** Sends a request that asks to close the connection, and returns the status and the body of the answer. */
export async function answerTo(
  url: string,
  text: string,
): Promise<{ status: number; body: string }> {
  const { socket, received, closed } = await openRaw(url, text)
  await Promise.race([closed, until(() => isComplete(received()))])
  socket.destroy()
  const [, status = '0'] = /^HTTP\/1\.[01] (\d{3})/.exec(received()) ?? []
  return { status: Number(status), body: received().split('\r\n\r\n').slice(1).join('\r\n\r\n') }
}

/** True if an answer has a complete body of a declared length. */
function isComplete(answer: string): boolean {
  const [head = '', ...rest] = answer.split('\r\n\r\n')
  const length = /^content-length: *(\d+)$/im.exec(head)?.[1]
  return length !== undefined && rest.join('\r\n\r\n').length >= Number(length)
}

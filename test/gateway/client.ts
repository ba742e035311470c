import { createHmac } from 'node:crypto'
import net from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Gateway } from './gateway.ts'

/** Returns the three signature headers of a request, without the gateway's own code. */
export function signed(
  gateway: Gateway,
  line: string,
  {
    at = Date.now() as number | string,
    accessKey = gateway.accessKey,
    secretKey = gateway.secretKey,
  } = {},
): Record<string, string> {
  const signature = createHmac('sha256', secretKey)
    .update(`${line}\n${at}\n${accessKey}`)
    .digest('base64')
  return {
    'x-ncp-apigw-timestamp': String(at),
    'x-ncp-iam-access-key': accessKey,
    'x-ncp-apigw-signature-v2': signature,
  }
}

/** Calls an action, signed at the time `at`. */
export async function call(
  gateway: Gateway,
  action: string,
  parameters: Record<string, string> = {},
  { method = 'GET', format = 'json', at = Date.now() } = {},
) {
  const form = String(new URLSearchParams({ ...parameters, responseFormatType: format }))
  const path = `/vserver/v2/${action}`
  const target = method === 'GET' ? `${path}?${form}` : path
  const response = await fetch(gateway.origin + target, {
    method,
    redirect: 'manual',
    headers: {
      ...signed(gateway, `${method} ${target}`, { at }),
      'content-type': 'application/x-www-form-urlencoded',
    },
    ...(method === 'POST' && { body: form }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text }
}

/** The data received over a socket, and how the gateway ended it: 'open' if it did not. */
export interface Exchange {
  head: string
  body: Buffer
  ending: 'close' | 'reset' | 'open'
}

/** The time in which a connection ends, or counts as open. */
const QUIET_MS = 100

/**
 * Sends one signed GET over a new socket, and returns the data received until the gateway ended the connection.
 * If the gateway leaves it open, `isEnough` decides when to stop.
 */
export function exchange(
  gateway: Gateway,
  action: string,
  query: string,
  isEnough: (body: Buffer) => boolean = () => false,
): Promise<Exchange> {
  const target = `/vserver/v2/${action}?${query}`
  const headers = Object.entries({
    ...signed(gateway, `GET ${target}`),
    host: '127.0.0.1',
    connection: 'close',
  })
  const chunks: Buffer[] = []
  const before = gateway.received.length
  return new Promise((resolve) => {
    const socket = net.connect(Number(new URL(gateway.origin).port), '127.0.0.1')
    const received = () => {
      const all = Buffer.concat(chunks)
      const split = all.lastIndexOf('\r\n\r\n')
      return { head: all.toString('latin1', 0, split), body: all.subarray(split + 4) }
    }
    const finish = (ending: Exchange['ending']) => {
      clearInterval(timer)
      socket.destroy()
      resolve({ ...received(), ending })
    }
    let quietMs = 0
    const timer = setInterval(() => {
      if (gateway.received.length === before || !isEnough(received().body)) return
      quietMs += 10
      if (quietMs > QUIET_MS) finish('open')
    }, 10)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.once('end', () => finish('close'))
    socket.once('error', () => finish('reset'))
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`)
  })
}

/** Returns the decompressed body of an exchange. */
export function inflated({ body }: Exchange): Buffer {
  return gunzipSync(body)
}

import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import { reasonOf } from '../../../shared/log.ts'
import { normalizeTarget } from './request-target.ts'

/** Answers a request. `malformed` is the fault of a request whose target or host cannot be used. */
type Handler = (request: Request, options: { malformed?: string | undefined }) => Promise<Response>

/** The part of Deno that is used. Source: https://docs.deno.com/api/deno/~/Deno.permissions */
interface Runtime {
  Deno?: {
    permissions: { querySync(permission: { name: 'net'; host: string }): { state: string } }
  }
}

/** The address of a server. */
export interface ListenAddress {
  /** All interfaces if undefined. */
  host: string | undefined
  /** 0 for any free port. */
  port: number
}

/** A server that listens. */
export interface Server {
  port: number
  /** Accepts no new requests, and resolves once all running ones are answered and all connections are closed. */
  close(): Promise<void>
}

const OPTIONS = {
  // Proxies keep idle connections for 60 s, and a request on a connection that is being closed would be lost.
  keepAliveTimeout: 75_000,
  headersTimeout: 10_000,
  // The app answers 408 after 25 s. This is for connections whose request it does not read.
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  // The app answers a missing Host with a problem.
  requireHostHeader: false,
}

/**
 * The maximum number of open connections. With the usual limit of 1,024 open files, some are left for the database and
 * for requests of the relay.
 */
const MAX_CONNECTIONS = 800
/** The time after which a connection whose caller does not read the answer is closed. */
const STALLED_MS = 60_000
/** The time that a request has to arrive completely once the server stops. */
const ARRIVAL_MS = 400
/** The time that answers have to be sent once the server stops. */
const FLUSH_MS = 300

/**
 * Listens with `node:http`, also on Deno and Bun: their own servers make the URL from `Host`, and Deno's has no timeouts.
 * Rejects if the address cannot be used.
 */
export async function listen(handler: Handler, address: ListenAddress): Promise<Server> {
  const running = new Map<Promise<void>, IncomingMessage>()
  let isClosing = false

  function answer(incoming: IncomingMessage, outgoing: ServerResponse) {
    const malformed = normalizeTarget(incoming)
    async function respond(request: Request): Promise<Response> {
      const response = await handler(request, { malformed })
      if (isClosing) response.headers.set('connection', 'close')
      return response
    }
    // The lightweight `Request` and `Response` of the package must be global. They are made for Node only.
    const overrideGlobalObjects = !('Bun' in globalThis || 'Deno' in globalThis)
    const listener = getRequestListener(respond, { overrideGlobalObjects })
    const answered: Promise<void> = Promise.resolve(listener(incoming, outgoing))
      .catch(() => {})
      .then(() => {
        running.delete(answered)
      })
    running.set(answered, incoming)
  }

  const server = createServer(OPTIONS, answer)
  server.maxConnections = MAX_CONNECTIONS
  server.timeout = STALLED_MS
  await start(server, address)
  // Without a listener, a connection that cannot be accepted would end the process.
  server.on('error', () => {})

  function dropUnfinished() {
    for (const incoming of running.values()) if (!incoming.complete) incoming.destroy()
  }

  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      isClosing = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const timer = setInterval(dropUnfinished, ARRIVAL_MS)
      while (running.size > 0) await Promise.all(running.keys())
      clearInterval(timer)
      await Promise.race([closed, sleep(FLUSH_MS)])
      server.closeAllConnections()
    },
  }
}

/** Starts to listen: on all interfaces of IPv6 and IPv4 or, where Deno does not permit it, of IPv4 alone. */
function start(server: HttpServer, { host, port }: ListenAddress): Promise<void> {
  const chosen = host ?? ['::', '0.0.0.0'].find((all) => mayListen(all, port)) ?? '::'
  if (!mayListen(chosen, port)) return Promise.reject(new DOMException('', 'NotCapable'))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Without a host, a machine without IPv6 gets IPv4.
    server.listen({ port, ...(chosen !== '::' && { host: chosen }) }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** False if Deno does not permit this address. It is asked before, because its error cannot be caught. */
function mayListen(host: string, port: number): boolean {
  const { Deno } = globalThis as Runtime
  if (!Deno) return true
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return Deno.permissions.querySync({ name: 'net', host: address }).state === 'granted'
}

/** Returns the setting at fault and a remedy if a server cannot listen on an address. */
export function listenFault(error: unknown, { port }: ListenAddress) {
  const reason = reasonOf(error)
  switch (reason) {
    case 'EADDRINUSE':
      return {
        code: 'PORT',
        detail: `PORT ${port} is already in use. Stop the other process or set PORT=${port < 65_535 ? port + 1 : port - 1}`,
      }
    case 'EACCES':
      return { code: 'PORT', detail: `PORT ${port} may not be used by this process` }
    case 'NotCapable':
      return { code: 'PORT', detail: `Deno needs --allow-net for HOST and PORT ${port}` }
    case 'EADDRNOTAVAIL':
    // Deno's code for the same.
    case 'EINVAL':
    case 'ENOTFOUND':
      return { code: 'HOST', detail: 'HOST is not an address of this machine' }
    default:
      return { code: 'PORT', detail: `PORT ${port} cannot be listened on: ${reason}` }
  }
}

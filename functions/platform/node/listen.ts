import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { reasonOf } from '../../../shared/log.ts'

type Handler = (request: Request) => Promise<Response>

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
  /** Accepts no new requests, and resolves once all running ones are answered. */
  close(): Promise<void>
}

/** Bun's and Deno's own servers: the fields that are used. Sources: https://bun.com/docs/api/http, https://docs.deno.com/api/deno */
interface Runtime {
  Bun?: {
    serve(options: { hostname?: string; port: number; idleTimeout: number; fetch: Handler }): {
      port: number
      stop(): Promise<void>
    }
  }
  Deno?: {
    serve(options: { hostname?: string; port: number; onListen(): void; handler: Handler }): {
      addr: { port: number }
      shutdown(): Promise<void>
    }
  }
}

/** The idle timeout of Bun's server: a request may wait for 20 s before anything is sent, and Bun's default is 10 s. */
const IDLE_SECONDS = 60

/** Listens with the runtime's own server. Rejects if the address cannot be used. */
export async function listen(handler: Handler, { host, port }: ListenAddress): Promise<Server> {
  const { Bun, Deno } = globalThis as Runtime
  const address = { ...(host !== undefined && { hostname: host }), port }
  if (Bun) {
    const server = Bun.serve({ ...address, idleTimeout: IDLE_SECONDS, fetch: handler })
    return { port: server.port, close: () => server.stop() }
  }
  if (Deno) {
    const server = Deno.serve({ ...address, onListen() {}, handler })
    return { port: server.addr.port, close: () => server.shutdown() }
  }
  const server = serve({ ...address, fetch: handler })
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
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
    case 'ENOTFOUND':
      return { code: 'HOST', detail: 'HOST is not an address of this machine' }
    default:
      return { code: 'PORT', detail: `PORT ${port} cannot be listened on: ${reason}` }
  }
}

import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'

/** What answers requests. */
type Answer = (request: Request) => Promise<Response>

/** A server that listens. */
export interface Server {
  port: number
  /** Takes nothing new, and ends once all that runs is answered. */
  close(): Promise<void>
}

/** What of Bun's and Deno's own servers is used. Sources: https://bun.com/docs/api/http, https://docs.deno.com/api/deno */
interface Runtime {
  Bun?: {
    serve(options: { port: number; idleTimeout: number; fetch: Answer }): {
      port: number
      stop(): Promise<void>
    }
  }
  Deno?: {
    serve(options: { port: number; onListen(): void; handler: Answer }): {
      addr: { port: number }
      shutdown(): Promise<void>
    }
  }
}

/** A request may wait for twenty seconds before anything is sent; Bun would end it after ten. */
const IDLE_SECONDS = 60

/** Listens on a port, 0 for any free one, with the runtime's own server. Rejects where it cannot. */
export async function listen(answer: Answer, port: number): Promise<Server> {
  const { Bun, Deno } = globalThis as Runtime
  if (Bun) {
    const server = Bun.serve({ port, idleTimeout: IDLE_SECONDS, fetch: answer })
    return { port: server.port, close: () => server.stop() }
  }
  if (Deno) {
    const server = Deno.serve({ port, onListen() {}, handler: answer })
    return { port: server.addr.port, close: () => server.shutdown() }
  }
  const server = serve({ fetch: answer, port })
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

import { resolve } from 'node:path'
import { passThroughWorker, relayWorker } from './workerd.ts'

/** The commands of a runtime: programs and their arguments. The port is also in the environment as `PORT`. */
export interface Runtime {
  passThrough(port: number): string[] | Promise<string[]>
  relay(port: number, settings: Record<string, string>): string[] | Promise<string[]>
}

const bin = resolve('node_modules/.bin')
const deno = ['--quiet', '--no-lock', '--node-modules-dir=manual', '--allow-all']

/** The commands of each runtime: the pass-through on the runtime's own server, and the built relay. */
export const runtimes: Record<string, Runtime> = {
  Node: {
    passThrough: () => [process.execPath, 'scripts/bench/pass-through-node.ts'],
    relay: () => [process.execPath, 'dist/server.mjs'],
  },
  Bun: {
    passThrough: () => [`${bin}/bun`, 'scripts/bench/pass-through.ts'],
    relay: () => [`${bin}/bun`, 'dist/server.mjs'],
  },
  Deno: {
    passThrough: (port) => [
      ...[`${bin}/deno`, 'serve', ...deno, '--host=127.0.0.1', `--port=${port}`],
      'scripts/bench/pass-through.ts',
    ],
    relay: () => [`${bin}/deno`, 'run', ...deno, 'dist/server.mjs'],
  },
  workerd: {
    passThrough: async (port) => workerd(port, await passThroughWorker()),
    relay: async (port, settings) => workerd(port, await relayWorker(settings)),
  },
}

/** The command of the server that stands in for the gateway. */
export const upstream = [`${bin}/bun`, 'scripts/bench/upstream.ts']

function workerd(port: number, configuration: string): string[] {
  return [`${bin}/workerd`, 'serve', `--socket-addr=http=127.0.0.1:${port}`, configuration]
}

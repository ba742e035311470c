import { jsonLines, logWith, terminalLines } from '../shared/log.ts'
import { listenAddress, parseSettings } from '../shared/settings.ts'
import { createApp } from './app.ts'
import type { Platform } from './compose.ts'
import { openFileStore } from './platform/node/file-store.ts'
import { httpTransport } from './platform/node/http-transport.ts'
import { listen, listenFault } from './platform/node/listen.ts'
import { openFailure } from './platform/node/sqlite-file.ts'
import { linePrinter } from './platform/node/standard-output.ts'
import { versionFault } from './platform/node/version.ts'

const DRAIN_MS = 25_000
const TICK_EVERY_MS = 60_000

const print = linePrinter()
const log = process.stdout.isTTY ? terminalLines(print) : jsonLines(print)
let ticking = Promise.resolve()

const tooOld = versionFault(process.versions.node)
if (tooOld) fail({ code: 'node', detail: tooOld })

const { database, ...platform } = await open()
const app = createApp({ ...platform, transport: httpTransport() })
const address = listenAddress(process.env)
const server = await listen(app.fetch, address).catch((error) => fail(listenFault(error, address)))
/** The port that the server listens on. */
export const { port } = server
log({ event: 'listening', port })
if ('value' in platform.settings) tick()
const timer = setInterval(tick, TICK_EVERY_MS)
process.once('SIGTERM', stop)
process.once('SIGINT', stop)

/** Opens settings and store. A database that cannot be opened is a faulty setting; only the log names its file. */
async function open(): Promise<
  Pick<Platform, 'settings' | 'store' | 'log'> & { database?: { close(): void } }
> {
  const settings = await parseSettings(process.env)
  if ('errors' in settings) return { settings, log }
  const file = settings.value.database
  try {
    const database = await openFileStore(file, log)
    return { settings, store: database.store, database, log }
  } catch (error) {
    const { path, reason } = openFailure(file, error)
    const errors = [{ path: 'RELAY_DATABASE', message: `cannot be opened: ${reason}` }]
    return { settings: { errors }, log: logWith({ file: path }, log) }
  }
}

/** Ends a server that cannot start. */
function fail(fault: { code: string; detail: string }): never {
  log({ event: 'settings', ...fault })
  process.exit(1)
}

/** Starts a tick after the previous one. The first runs at once, because work left by the last server is due. */
function tick() {
  // The app has already logged a failure.
  ticking = ticking.then(() => app.tick()).catch(() => {})
}

/** Accepts no new requests, finishes running ones even if their callers are gone, and closes the store. */
async function stop() {
  clearInterval(timer)
  setTimeout(() => process.exit(1), DRAIN_MS).unref()
  await Promise.all([server.close(), ticking])
  database?.close()
  log({ event: 'stopped' })
  process.exit(0)
}

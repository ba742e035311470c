import { sqliteStore } from '../shared/creation/sqlite-store.ts'
import { jsonLines } from '../shared/log.ts'
import { parseSettings, portOf } from '../shared/settings.ts'
import { createApp, type Platform } from './app.ts'
import { httpTransport } from './platform/node/http-transport.ts'
import { listen } from './platform/node/listen.ts'
import { openSqlite } from './platform/node/sqlite-file.ts'

const DRAIN_MS = 25_000
const TICK_EVERY_MS = 60_000

const log = jsonLines((line) => process.stdout.write(`${line}\n`))
const running = new Set<Promise<Response>>()
let isStopping = false
let ticking = Promise.resolve()

const { database, ...platform } = open()
const app = createApp({ ...platform, log, transport: httpTransport() })
const server = await listen(answer, portOf(process.env)).catch(() => {
  log({ event: 'settings', code: 'PORT', detail: 'cannot be listened on' })
  process.exit(1)
})
/** What is listened on. */
export const { port } = server
log({ event: 'listening', port })
if ('value' in platform.settings) tick()
const timer = setInterval(tick, TICK_EVERY_MS)
process.once('SIGTERM', stop)
process.once('SIGINT', stop)

/** Settings and store; a database that cannot be opened is a fault of the settings. */
function open(): Pick<Platform, 'settings' | 'store'> & { database?: { close(): void } } {
  const settings = parseSettings(process.env)
  if ('errors' in settings) return { settings }
  try {
    const database = openSqlite(settings.value.database)
    return { settings, store: sqliteStore(database), database }
  } catch {
    return { settings: { errors: [{ path: 'RELAY_DATABASE', message: 'cannot be opened' }] } }
  }
}

async function answer(request: Request): Promise<Response> {
  const response = app.fetch(request)
  running.add(response)
  try {
    const answered = await response
    if (isStopping) answered.headers.set('connection', 'close')
    return answered
  } finally {
    running.delete(response)
  }
}

/** One after the other; the first at once, because what was left when the server ended is due. */
function tick() {
  // A failure is in the log already.
  ticking = ticking.then(() => app.tick()).catch(() => {})
}

/** Refuses new work, finishes what runs though its caller may have gone, and closes the store. */
async function stop() {
  isStopping = true
  clearInterval(timer)
  setTimeout(() => process.exit(1), DRAIN_MS).unref()
  await server.close()
  await Promise.allSettled([...running, ticking])
  database?.close()
  log({ event: 'stopped' })
  process.exit(0)
}

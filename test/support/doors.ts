import { type ChildProcess, spawn } from 'node:child_process'
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from 'vitest'
import { createApp } from '../../functions/app.ts'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import { openSqlite } from '../../functions/platform/node/sqlite-file.ts'
import { jsonLines } from '../../shared/log.ts'
import { parseSettings } from '../../shared/settings.ts'
import { sqliteStore } from '../../shared/store/sqlite-store.ts'
import { assertDocumented } from './contract.ts'
import { type Origins, workersElsewhere, writeElsewhere } from './elsewhere.ts'
import { type Answered, type Asked, initOf, leaksIn, read } from './relay.ts'

/** A running relay on some platform. */
export interface Door {
  /** Returns its whole output so far. */
  output(): string
  request(path: string, asked?: Asked): Promise<Answered>
  /** Stops the relay, and asserts that its output and its files contain no secret. */
  close(): Promise<void>
}

/** A relay in its own process, behind a socket. */
export interface ProcessDoor extends Door {
  url: string
  process: ChildProcess
}

/** Settings by name. Those of a Worker need not be strings. */
export type Environment = Record<string, unknown>

const bin = resolve('node_modules/.bin')
const deno = [`${bin}/deno`, 'run', '--no-lock', '--node-modules-dir=manual', '--no-prompt']
const DENO_ENVIRONMENT =
  '--allow-env=NCLOUD_*,RELAY_*,SLACK_*,MATTERMOST_*,WORKS_*,CHAT_*,HOST,PORT'

/** The commands that start a server with a database: sources and built files on each runtime. */
const servers = {
  node: () => [`${bin}/node`, 'functions/server.ts'],
  bun: () => [`${bin}/bun`, 'functions/server.ts'],
  deno: () => [...deno, '--allow-all', 'functions/server.ts'],
  'node, built': () => [`${bin}/node`, 'dist/server.mjs'],
  'bun, built': () => [`${bin}/bun`, 'dist/server.mjs'],
  // Only with the permissions that it needs.
  'deno, built': (database: string) => [
    ...deno,
    ...['--allow-net=0.0.0.0,127.0.0.1', DENO_ENVIRONMENT],
    ...[`--allow-read=${database}`, `--allow-write=${database}`],
    'dist/server.mjs',
  ],
}

/** Ways to run the relay in a process. */
export type DoorName = keyof typeof servers | 'workerd, built'

/** The names of all these ways. */
export const doorNames = [...Object.keys(servers), 'workerd, built'] as DoorName[]

/** The names of the ways that run a built file. */
export const builtNames = doorNames.filter((name) => name.endsWith('built'))

/** Opens the app in this process. */
export async function openApp(environment: Environment): Promise<Door> {
  const database = openSqlite(':memory:')
  let output = ''
  const app = createApp({
    settings: await parseSettings(environment),
    store: sqliteStore(database),
    transport: httpTransport(),
    log: jsonLines((line) => {
      output += `${line}\n`
    }),
  })
  return {
    output: () => output,
    request: requestBy((path, init) => app.fetch(new Request(`http://relay.test${path}`, init))),
    async close() {
      database.close()
      expect(leaksIn(output)).toEqual([])
    },
  }
}

/** Returns a door's `request`. Asserts that every answer is documented and contains no secret. */
export function requestBy(send: (path: string, init: RequestInit) => Promise<Response>) {
  return async (path: string, asked: Asked = {}): Promise<Answered> => {
    const init = initOf(asked)
    const response = await send(path, init)
    const answered = await read(response)
    assertDocumented({ method: init.method, path }, response, answered.text)
    return answered
  }
}

/**
 * Starts a relay in a process. With `origins`, its requests to them go elsewhere, and its timer is quick or can be fired.
 */
export async function openDoor(
  name: DoorName,
  environment: Environment,
  origins?: Origins,
): Promise<ProcessDoor> {
  const folder = await mkdtemp(join(tmpdir(), 'relay-'))
  if (name === 'workerd, built') return openWorkerd(folder, environment, origins)
  if (!origins) return openServer(servers[name], folder, environment)
  const preloaded = await writeElsewhere(folder, origins)
  const flag = name.startsWith('node') ? '--import' : '--preload'
  const command = (database: string) => {
    const [file = '', ...args] = servers[name](database)
    return [file, ...args.slice(0, -1), flag, preloaded, ...args.slice(-1)]
  }
  return openServer(command, folder, environment)
}

async function openServer(
  command: (database: string) => string[],
  folder: string,
  given: Environment,
) {
  const environment = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    PORT: '0',
    RELAY_DATABASE: join(folder, 'relay.sqlite'),
    ...(given as Record<string, string>),
  }
  const [file = '', ...args] = command(environment.RELAY_DATABASE)
  const child = spawn(file, args, {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return opened(child, folder, child.stdout, 'listening')
}

const DATE = 'compatibilityDate = "2026-10-23"'
const FLAGS = `${DATE}, compatibilityFlags = ["no_nodejs_compat", "no_nodejs_compat_v2"]`

/** Starts workerd alone with the built Worker, and with everything of Node disabled. */
async function openWorkerd(folder: string, environment: Environment, origins?: Origins) {
  const text = (value: unknown) => JSON.stringify(String(value))
  const bindings = Object.entries(environment).map(([name, value]) =>
    typeof value === 'string'
      ? `(name = "${name}", text = ${text(value)})`
      : `(name = "${name}", json = ${text(JSON.stringify(value))})`,
  )
  // A test may bind something else instead.
  if (!('OPERATIONS' in environment)) {
    bindings.push('(name = "OPERATIONS", durableObjectNamespace = "OperationsObject")')
  }
  const beside = origins && workersElsewhere(origins)
  const module = (code: string) => `(name = "worker", esModule = ${text(code)})`
  const services = beside
    ? `(name = "network", worker = (modules = [${module(beside.network)}], ${FLAGS})),
    (name = "front", worker = (modules = [${module(beside.front)}],
      bindings = [(name = "RELAY", service = "main")],
      compatibilityFlags = ["service_binding_extra_handlers"], ${DATE})),`
    : ''
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    ${services}
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "files", disk = (path = ${text(folder)}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "${beside ? 'front' : 'main'}")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  ${FLAGS},
  globalOutbound = "${beside ? 'network' : 'internet'}",
  durableObjectNamespaces = [
    (className = "OperationsObject", uniqueKey = "operations", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "files"),
  bindings = [
    ${bindings.join(',\n    ')},
  ],
);`
  const file = join(folder, 'relay.capnp')
  await writeFile(file, config)
  await copyFile('dist/worker.js', join(folder, 'worker.js'))
  // The front fires a cron trigger, which is experimental in workerd.
  const experimental = beside ? ['--experimental'] : []
  const child = spawn(`${bin}/workerd`, ['serve', ...experimental, '--control-fd=3', file], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const control = child.stdio[3] as NodeJS.ReadableStream
  const door = await opened(child, folder, control, 'listen')
  // It contains the settings, which the search for secrets in files must not find.
  await rm(file)
  return door
}

/** Waits for the line that contains the port. */
async function opened(
  child: ChildProcess,
  folder: string,
  announcements: NodeJS.ReadableStream | null,
  event: string,
): Promise<ProcessDoor> {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
    })
  }
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const port = await new Promise<number>((resolve, reject) => {
    exited.then(() => reject(new Error(`The relay did not start:\n${output}`)))
    createInterface({ input: announcements ?? process.stdin }).on('line', (line) => {
      const announced = line.startsWith('{') ? JSON.parse(line) : {}
      if (announced.event === event) resolve(announced.port)
    })
  })
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    process: child,
    output: () => output,
    request: requestBy((path, init) => fetch(url + path, init)),
    async close() {
      // A second signal would end it at once.
      if (!child.killed) child.kill('SIGTERM')
      await exited
      expect(leaksIn(output)).toEqual([])
      for (const file of await filesIn(folder)) {
        expect(leaksIn((await readFile(file)).toString('latin1'))).toEqual([])
      }
      await rm(folder, { recursive: true })
    },
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

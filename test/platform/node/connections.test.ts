import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, openGateway } from '../../gateway/gateway.ts'
import { secrets } from '../../support/canaries.ts'
import { builtNames, openDoor } from '../../support/doors.ts'
import { keyOf } from '../../support/keys.ts'
import { openRaw, type RawConnection } from '../../support/raw-connection.ts'
import { environmentFor, smallest } from '../../support/relay.ts'
import { until } from '../../support/until.ts'

const servers = builtNames.filter((name) => !name.startsWith('workerd'))
const HALF_HEAD = 'GET /healthz HTTP/1.1\r\nHo'
const HALF_BODY = `POST /v1/server-images HTTP/1.1\r\nHost: relay\r\nX-API-Key: ${keyOf('ci')}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name"`
const COMPLETE = 'GET /healthz HTTP/1.1\r\nHost: relay\r\n\r\n'

let gateway: Gateway
beforeAll(async () => {
  gateway = await openGateway({ ...secrets, readyAfterMs: 2_000 })
})
afterAll(() => gateway.close())

describe.concurrent.each(servers)('the server on %s', (name) => {
  test('closes connections that are silent or do not finish a request', async () => {
    const door = await openDoor(name, environmentFor(gateway.origin))
    const [silent, head, body, idle] = await Promise.all(
      ['', HALF_HEAD, HALF_BODY, COMPLETE].map((text) => openRaw(door.url, text)),
    )
    await Promise.all([silent?.closed, head?.closed, body?.closed])
    expect(body?.received()).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/)
    // Proxies keep idle connections for 60 s.
    expect(idle?.received()).toMatch(/^keep-alive: timeout=75\r$/im)
    expect(idle?.socket.readyState).toBe('open')
    idle?.socket.destroy()
    await door.close()
  })

  test('ends soon after SIGTERM in spite of open connections, and finishes what runs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stop-'))
    const database = join(folder, 'relay.sqlite')
    const door = await openDoor(name, environmentFor(gateway.origin, { RELAY_DATABASE: database }))
    await Promise.all(['', HALF_HEAD, HALF_BODY, COMPLETE].map((text) => openRaw(door.url, text)))
    const body = { ...smallest, name: `end-${servers.indexOf(name)}` }
    const headers = { prefer: 'wait=10' }
    const running = door.request('/v1/server-images', { method: 'POST', body, headers })
    await until(() => gateway.images.all().some((image) => image.name === body.name))
    door.process.kill('SIGTERM')
    expect((await running).json.status).toBe('ready')
    const answeredAt = performance.now()
    await door.close()
    expect(door.process.exitCode).toBe(0)
    // The limit of the requirement is 1 s; the machine may be busy. Without an end it would be 25 s.
    expect(performance.now() - answeredAt).toBeLessThan(10_000)
    expect(door.output().trimEnd().split('\n').at(-1)).toMatch(/"event":"stopped"\}$/)
    await rm(folder, { recursive: true })
  })

  test('answers on IPv4 and IPv6', async () => {
    // The tests give the built relay on Deno a permission for IPv4 only.
    const door = await openDoor(
      name.replace('deno, built', 'deno') as typeof name,
      environmentFor(gateway.origin),
    )
    const { port } = new URL(door.url)
    for (const host of ['127.0.0.1', '[::1]']) {
      expect((await fetch(`http://${host}:${port}/healthz`)).status).toBe(200)
    }
    await door.close()
  })

  test('goes on when the reader of its output is gone', async () => {
    const door = await openDoor(name, environmentFor(gateway.origin))
    door.process.stdout?.destroy()
    for (let i = 0; i < 20; i++) expect((await fetch(`${door.url}/healthz`)).status).toBe(200)
    expect(door.process.exitCode).toBeNull()
    await door.close()
  })
})

/** Returns a port that was free a moment ago: a server whose output is lost cannot report its own. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The commands that start the built server without Node's limit of open files. */
const commands = {
  'node, built': ['node'],
  'bun, built': ['bun'],
  'deno, built': ['deno', 'run', '--no-lock', '--node-modules-dir=manual', '--no-prompt', '-A'],
} as Record<string, string[]>

describe.concurrent.each(servers)('the server on %s, with a limit', (name) => {
  async function start(shell: string, stdout: number | 'ignore') {
    const port = await freePort()
    const [runtime = '', ...args] = commands[name] ?? []
    const command = [`node_modules/.bin/${runtime}`, ...args, 'dist/server.mjs'].join(' ')
    const child = spawn('/bin/sh', ['-c', `${shell} exec ${command}`], {
      env: {
        ...(environmentFor(gateway.origin) as Record<string, string>),
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        PORT: String(port),
        RELAY_DATABASE: ':memory:',
      },
      stdio: ['ignore', stdout, 'ignore'],
    })
    const url = `http://127.0.0.1:${port}`
    const isAlive = async () =>
      (await fetch(`${url}/healthz`, { headers: { connection: 'close' } })).status === 200
    await until(isAlive)
    return { child, url, isAlive }
  }

  test('survives 1,100 silent connections with 1,024 files, and answers again', async () => {
    const { child, url, isAlive } = await start('ulimit -n 1024;', 'ignore')
    const connections: RawConnection[] = []
    for (let i = 0; i < 1_100; i += 50) {
      connections.push(...(await Promise.all(Array.from({ length: 50 }, () => openRaw(url)))))
    }
    await until(isAlive)
    expect(child.exitCode).toBeNull()
    for (const { socket } of connections) socket.destroy()
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  test('goes on when the disk of its log is full', async () => {
    const full = openSync('/dev/full', 'w')
    const { child, isAlive } = await start('', full)
    for (let i = 0; i < 20; i++) expect(await isAlive()).toBe(true)
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})

import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, openGateway } from '../gateway/gateway.ts'
import { secrets } from '../support/canaries.ts'
import { isCampaign } from '../support/counts.ts'
import { doorNames, openDoor } from '../support/doors.ts'
import { environmentFor, initOf, smallest } from '../support/relay.ts'
import { until } from '../support/until.ts'

const servers = doorNames.filter((name) => !name.startsWith('workerd'))
const onNode = doorNames.filter((name) => name.startsWith('node'))

/** Databases that cannot be opened, and the reason that is given. */
const databases: [file: string, message: RegExp][] = [
  ['/nowhere/relay.sqlite', /^cannot be opened: its folder does not exist$/],
  [tmpdir(), /^cannot be opened: it is a folder$/],
  ['LICENSE', /^cannot be opened: it is not a SQLite database, or it is damaged$/],
  ['LICENSE/relay.sqlite', /^cannot be opened: a part of its path is not a folder$/],
  // Not even root may create a file there. Deno requires all permissions for it.
  [
    '/sys/relay.sqlite',
    /^cannot be opened: (permission denied|the file system is read-only|Deno needs .*)$/,
  ],
]

let gateway: Gateway
beforeAll(async () => {
  gateway = await openGateway({ ...secrets, readyAfterMs: 2_000 })
})
afterAll(() => gateway.close())

describe.concurrent.each(servers)('the server on %s', (name) => {
  /** All databases in a campaign; otherwise each database on one of the servers. */
  const own = databases.filter((_, i) => isCampaign || i === servers.indexOf(name))

  test('accepts nothing new after SIGTERM, finishes running requests and stores their results', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stop-'))
    const database = join(folder, 'relay.sqlite')
    const environment = environmentFor(gateway.origin, { RELAY_DATABASE: database })
    const door = await openDoor(name, environment)
    const body = { ...smallest, name: `stop-${servers.indexOf(name)}` }

    const running = door.request('/v1/server-images', {
      method: 'POST',
      body,
      headers: { prefer: 'wait=10' },
    })
    const names = () => gateway.images.all().map((image) => image.name)
    await until(() => names().includes(body.name))
    door.process.kill('SIGTERM')
    await until(() => expect(fetch(`${door.url}/healthz`)).rejects.toThrow())
    const { status, json, headers } = await running
    expect([status, json.image.phase]).toEqual([201, 'ready'])
    expect(headers.get('connection')).toBe('close')
    await door.close()
    expect(door.process.exitCode).toBe(0)
    expect(door.output().trimEnd().split('\n').at(-1)).toMatch(/"event":"stopped"\}$/)

    const again = await openDoor(name, environment)
    const replayed = await again.request('/v1/server-images', { method: 'POST', body })
    expect([replayed.status, replayed.json.operationId]).toEqual([200, json.operationId])
    await again.close()
    await rm(folder, { recursive: true })
  })

  test('finishes a create whose caller disconnected', async () => {
    const slow = await openGateway(secrets)
    slow.inject({ fault: 'slow', action: 'getServerImageList' })
    const door = await openDoor(name, environmentFor(slow.origin))
    const caller = new AbortController()
    const body = { ...smallest, name: 'hung-up' }
    const asked = { ...initOf({ method: 'POST', body }), signal: caller.signal }
    const answer = fetch(`${door.url}/v1/server-images`, asked)
    await until(() => slow.received.length === 1)
    caller.abort()
    await expect(answer).rejects.toThrow()
    await door.close()
    await slow.close()
    expect(door.output()).toMatch(/"event":"transition".*"state":"applied"/)
  })

  test.each(own)(
    'is not ready with the database %s and gives the reason',
    async (file, message) => {
      const door = await openDoor(name, environmentFor(gateway.origin, { RELAY_DATABASE: file }))
      const { status, json, text } = await door.request('/readyz', { as: '' })
      expect([status, json.errors]).toEqual([
        503,
        [{ path: 'RELAY_DATABASE', message: expect.stringMatching(message) }],
      ])
      // Only the log names the file.
      expect(text).not.toContain(file)
      expect(door.output()).toContain(`"file":"${resolve(file)}"`)
      await door.close()
    },
  )

  test('exits when its port is in use and says what to do', async () => {
    const door = await openDoor(name, environmentFor(gateway.origin))
    const port = Number(new URL(door.url).port)
    const second = openDoor(name, environmentFor(gateway.origin, { PORT: String(port) }))
    const sentence = `PORT ${port} is already in use. Stop the other process or set PORT=${port + 1}`
    await expect(second).rejects.toThrow(`"code":"PORT","detail":"${sentence}"`)
    await door.close()
  })

  test('listens only on HOST', async () => {
    const door = await openDoor(name, environmentFor(gateway.origin, { HOST: '127.0.0.1' }))
    const { port } = new URL(door.url)
    // Every address of 127.0.0.0/8 is this machine, so a server on all interfaces would answer.
    await expect(fetch(`http://127.0.0.2:${port}/healthz`)).rejects.toThrow()
    await door.close()
    const elsewhere = openDoor(name, environmentFor(gateway.origin, { HOST: '192.0.2.1' }))
    await expect(elsewhere).rejects.toThrow(
      /"detail":"(HOST is not an address of this machine|Deno needs --allow-net for HOST)/,
    )
  })

  test('creates no file when its database is in memory', async () => {
    const environment = environmentFor(gateway.origin, { RELAY_DATABASE: ':memory:' })
    const door = await openDoor(name, environment)
    const body = { ...smallest, name: `memory-${servers.indexOf(name)}` }
    expect((await door.request('/v1/server-images', { method: 'POST', body })).status).toBe(201)
    await door.close()
    expect(existsSync(':memory:')).toBe(false)
  })
})

test.each(onNode)('the server on %s ticks every minute', async (name) => {
  // One minute of the server takes a tenth of a second.
  const minutes = 'const real = setInterval; globalThis.setInterval = (f, ms) => real(f, ms / 600)'
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(minutes)}`
  const door = await openDoor(name, environmentFor(gateway.origin, { NODE_OPTIONS }))
  const ticks = () => door.output().match(/"event":"tick"/g)?.length ?? 0
  await until(() => ticks() > 2)
  await door.close()
})

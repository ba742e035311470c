import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import net from 'node:net'
import tls from 'node:tls'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { httpTransport } from '../../../functions/platform/node/http-transport.ts'
import { fetchTransport } from '../../../shared/web/transport.ts'
import { type Gateway, openGateway } from '../../gateway/gateway.ts'
import { secrets } from '../../support/canaries.ts'
import { doorNames, openDoor } from '../../support/doors.ts'
import { environmentFor } from '../../support/relay.ts'

const portOf = (server: net.Server) => (server.address() as AddressInfo).port
const listening = (server: net.Server) =>
  new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

describe.each([
  ['node:http', httpTransport],
  ['fetch', () => fetchTransport(fetch)],
] as const)('the transport over %s', (_, open) => {
  const MiB = 1_048_576
  const LIMIT = 2 * MiB
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://x')
    response.setHeader('Retry-After', '7')
    const zipped = searchParams.get('zipped')
    if (zipped) response.setHeader('Content-Encoding', 'gzip')
    response.writeHead(Number(searchParams.get('status') ?? 200))
    if (zipped === 'empty') response.end()
    else if (zipped) response.end(zipped === 'not' ? 'xxx' : gzipSync('x'.repeat(Number(zipped))))
    else if (searchParams.has('hang')) response.write('x')
    else response.end('x'.repeat(Number(searchParams.get('length') ?? 3)))
  })
  const transport = open()
  const get = (query: string, timeoutMs = 5_000) => {
    const url = new URL(`http://127.0.0.1:${portOf(server)}/?${query}`)
    return transport({ method: 'GET', url, headers: {}, body: null }, timeoutMs)
  }
  beforeAll(() => listening(server))
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  test('returns status, headers and body for every status', async () => {
    for (const status of [200, 301, 404, 503]) {
      const incoming = await get(`status=${status}`)
      expect([incoming.status, incoming.headers.get('retry-after')]).toEqual([status, '7'])
      expect(Buffer.from(incoming.body ?? []).toString()).toBe('xxx')
    }
  })

  test('reads a body of at most 2 MiB', async () => {
    expect((await get(`length=${LIMIT}`)).body).toHaveLength(LIMIT)
    expect((await get(`length=${LIMIT + 1}`)).body).toBeUndefined()
    expect((await get('length=0')).body).toHaveLength(0)
  })

  test('decodes an unrequested gzip body of at most 2 MiB', async () => {
    expect((await get(`zipped=${LIMIT}`)).body).toHaveLength(LIMIT)
    expect((await get(`zipped=${25 * MiB}`)).body).toBeUndefined()
    await expect(get('zipped=not')).rejects.not.toMatchObject({ name: 'TimeoutError' })
  })

  test('reads an empty body that is declared as gzip', async () => {
    for (const status of [200, 202, 204, 304, 404]) {
      const incoming = await get(`zipped=empty&status=${status}`)
      expect([incoming.status, incoming.body?.length]).toEqual([status, 0])
    }
  })

  test('fails with a TimeoutError at the time limit', async () => {
    await expect(get('hang=1', 100)).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  test('fails with another error if it cannot connect', async () => {
    const url = new URL('http://127.0.0.1:9/')
    const nowhere = transport({ method: 'GET', url, headers: {}, body: null }, 1_000)
    await expect(nowhere).rejects.not.toMatchObject({ name: 'TimeoutError' })
  })
})

describe('over TLS', () => {
  const file = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url))
  const certificate = new URL('../../fixtures/ca.crt', import.meta.url).pathname
  let gateway: Gateway
  let front: tls.Server
  beforeAll(async () => {
    gateway = await openGateway(secrets)
    const behind = Number(new URL(gateway.origin).port)
    const pair = { cert: file('localhost.crt'), key: file('localhost.key') }
    front = tls.createServer(pair, (socket) => {
      const inner = net.connect(behind, '127.0.0.1')
      socket.pipe(inner).pipe(socket)
      for (const end of [socket, inner]) end.on('error', () => end.destroy())
    })
    await listening(front)
  })
  afterAll(async () => {
    front.close()
    await gateway.close()
  })

  const servers = doorNames.filter((name) => !name.includes('workerd') && !name.includes('built'))
  test.each(servers)('%s reads and creates only if it trusts the certificate', async (name) => {
    const origin = `https://localhost:${portOf(front)}`
    const trust = { [name === 'deno' ? 'DENO_CERT' : 'NODE_EXTRA_CA_CERTS']: certificate }
    const trusting = await openDoor(name, environmentFor(origin, trust))
    expect((await trusting.request('/v1/images/12341457')).status).toBe(200)
    const body = { name: `tls-${name}`, storages: [{ snapshotNo: '12344697' }] }
    const created = await trusting.request('/v1/server-images', { method: 'POST', body })
    expect(created.status).toBe(201)
    await trusting.close()

    const before = gateway.received.length
    const wary = await openDoor(name, environmentFor(origin))
    const { status, json } = await wary.request('/v1/images/12341457')
    await wary.close()
    expect([status, json.code]).toEqual([502, 'upstream-unreachable'])
    expect(gateway.received).toHaveLength(before)
  })
})

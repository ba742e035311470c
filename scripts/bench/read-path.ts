import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { print, spread, summary } from './table.ts'

const ROUNDS = 9
const SECONDS = 3
const CONNECTIONS = 16
const KEY = 'nir_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd29Yx0s'
const SHA256 = '8b32aa232b5625653414fdac1617f3382ed68546b2612c750a9dd444b4a71761'

const servers = fileURLToPath(new URL('servers.ts', import.meta.url))
const upstream = 'http://127.0.0.1:9931'
const targets = {
  'Hono pass-through, streamed': 'http://127.0.0.1:9932/streamed/1',
  'Hono pass-through, buffered': 'http://127.0.0.1:9932/buffered/1',
  'the relay, its log to nowhere': 'http://127.0.0.1:9933/v1/member-server-images/12342264',
}

/** Requests per second of a read, beside a pass-through that neither proves, signs, reads nor shapes anything. */
export async function benchReadPath(): Promise<void> {
  const children = [
    start([servers, 'upstream', '9931']),
    start([servers, 'proxy', '9932', upstream]),
    start(['dist/server.mjs'], {
      PORT: '9933',
      RELAY_DATABASE: ':memory:',
      NCLOUD_ACCESS_KEY: 'TestAccessKey',
      NCLOUD_SECRET_KEY: 'TestSecretKey',
      NCLOUD_API_GW: upstream,
      RELAY_KEYS: JSON.stringify([{ id: 'bench', sha256: SHA256, scopes: ['images:read'] }]),
    }),
  ]
  const rates = new Map(Object.keys(targets).map((name) => [name, [] as number[]]))
  const slowest = new Map(Object.keys(targets).map((name) => [name, [] as number[]]))
  try {
    await Promise.all(Object.values(targets).map(ready))
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, url] of Object.entries(targets)) {
        const result = await load(url)
        // The first three rounds warm up.
        if (round < 3) continue
        rates.get(name)?.push(result.requests.average)
        slowest.get(name)?.push(result.latency.p99)
      }
    }
  } finally {
    for (const child of children) child.kill()
  }
  const bare = summary([...rates.values()][0] ?? []).median
  print(`Read path on Node, ${CONNECTIONS} at once (goal: 0.7 of the pass-through)`, [
    ['', 'requests/s', 'ratio', 'p99 ms'],
    ...[...rates].map(([name, series]) => [
      name,
      spread(series),
      (summary(series).median / bare).toFixed(2),
      spread(slowest.get(name) ?? []),
    ]),
  ])
}

function start(args: string[], environment: Record<string, string> = {}): ChildProcess {
  const stdio = ['ignore', 'ignore', 'inherit'] as const
  return spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    stdio: [...stdio],
  })
}

async function load(url: string) {
  const headers = { 'x-api-key': KEY }
  const result = await autocannon({ url, headers, connections: CONNECTIONS, duration: SECONDS })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url} did not hold`)
  return result
}

async function ready(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(url, { headers: { 'x-api-key': KEY } }).catch(() => undefined)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${url} is not there`)
}

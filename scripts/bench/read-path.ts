import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { UPSTREAM_PORT } from './ports.ts'
import { pair, read, settingsFor } from './relay.ts'
import { type Runtime, runtimes, upstream } from './runtimes.ts'
import { print, spread } from './table.ts'

const ROUNDS = 7
const WARM_UPS = 2
const SECONDS = 1.5
const CONNECTIONS = 16

const origin = (port: number) => `http://127.0.0.1:${port}`
const settings = { ...pair, ...settingsFor(origin(UPSTREAM_PORT)) }

/** A URL under load, with its results in each round: requests per second and p99 in milliseconds. */
interface Target {
  url: string
  rates: number[]
  p99s: number[]
}

/** The targets that are compared on one runtime. */
interface Group {
  streamed: Target
  buffered: Target
  relay: Target
}

/** Prints the requests per second of a read on each runtime, next to a pass-through that only forwards. */
export async function benchReadPath(): Promise<void> {
  const children = [start(upstream, UPSTREAM_PORT)]
  const groups = new Map<string, Group>()
  try {
    for (const [name, runtime] of Object.entries(runtimes)) {
      groups.set(name, await open(runtime, children))
    }
    const targets = [...groups.values()].flatMap((group): Target[] => Object.values(group))
    for (const { url } of targets) await ready(url)
    // Otherwise an older server may answer on its port.
    if (children.some(({ exitCode }) => exitCode !== null)) throw new Error('A server has stopped')
    for (let round = 0; round < ROUNDS; round++) {
      for (const target of targets) {
        const { rate, p99 } = await load(target.url)
        if (round < WARM_UPS) continue
        target.rates.push(rate)
        target.p99s.push(p99)
      }
    }
  } finally {
    for (const child of children) child.kill()
  }
  const share = `load, server and upstream share ${availableParallelism()} cores`
  print(`Read path, ${CONNECTIONS} at once; ${share} (goal: 0.7 of a pass-through)`, [
    ['', 'requests/s', 'p99 ms', 'of streamed', 'of buffered'],
    ...[...groups].flatMap(rowsOf),
  ])
}

async function open(runtime: Runtime, children: ChildProcess[]): Promise<Group> {
  const port = UPSTREAM_PORT + children.length
  children.push(start(await runtime.passThrough(port), port))
  children.push(start(await runtime.relay(port + 1, settings), port + 1))
  const target = (url: string): Target => ({ url, rates: [], p99s: [] })
  return {
    streamed: target(`${origin(port)}/streamed`),
    buffered: target(`${origin(port)}/buffered`),
    relay: target(origin(port + 1) + read.path),
  }
}

function start([file = '', ...args]: string[], port: number): ChildProcess {
  const environment = { NODE_ENV: 'production', PORT: String(port), RELAY_DATABASE: ':memory:' }
  return spawn(file, args, {
    env: { ...process.env, ...environment, ...settings },
    // The relay's log is discarded.
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

async function load(url: string) {
  const result = await autocannon({
    url,
    headers: read.headers,
    connections: CONNECTIONS,
    duration: SECONDS,
    // autocannon ends only at a sample.
    sampleInt: (SECONDS * 1_000) / 3,
  })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url} answered with errors`)
  return { rate: result['2xx'] / result.duration, p99: result.latency.p99 }
}

async function ready(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(url, { headers: read.headers }).catch(() => undefined)
    if (answer?.ok) return
    await sleep(100)
  }
  throw new Error(`${url} does not answer`)
}

function rowsOf([name, { streamed, buffered, relay }]: [string, Group]): string[][] {
  const measured = ({ rates, p99s }: Target) => [spread(rates), spread(p99s)]
  // Compared within a round, in which both had the same load from other processes.
  const share = ({ rates }: Target) => {
    const shares = relay.rates.map((rate, round) => rate / (rates[round] ?? Number.NaN))
    return spread(shares, 2)
  }
  return [
    [`${name}: Hono, streamed`, ...measured(streamed), '', ''],
    [`${name}: Hono, buffered`, ...measured(buffered), '', ''],
    [`${name}: the relay`, ...measured(relay), share(streamed), share(buffered)],
  ]
}

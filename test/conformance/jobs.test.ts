import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect } from 'vitest'
import { type Environment, requestBy } from '../support/doors.ts'
import { SHORT_MINUTES } from '../support/elsewhere.ts'
import { leaksIn } from '../support/relay.ts'
import { targetLeaksIn } from '../support/story-receiver.ts'
import { until } from '../support/until.ts'
import { jobsSuite, type TimedDoor } from './jobs-suite.ts'

const bin = resolve('node_modules/.bin')

const denoMay = [
  '--allow-net=0.0.0.0,127.0.0.1',
  '--allow-env=NCLOUD_*,RELAY_*,SLACK_*,MATTERMOST_*,WORKS_*,CHAT_*,HOST,PORT',
]

/** The commands that serve from a database file, with a preloaded file. */
const servers = {
  node: (preloaded: string) => [`${bin}/node`, '--import', preloaded],
  bun: (preloaded: string) => [`${bin}/bun`, '--preload', preloaded],
  deno: (preloaded: string, database: string) => [
    ...[`${bin}/deno`, 'run', '--no-lock', '--node-modules-dir=manual', '--no-prompt'],
    ...[...denoMay, `--allow-read=${database}`, `--allow-write=${database}`],
    ...['--preload', preloaded],
  ],
}

describe.concurrent.each(Object.entries(servers))('the built server on %s', (_, commandOf) => {
  jobsSuite(async (environment) => {
    const folder = await mkdtemp(join(tmpdir(), 'jobs-'))
    const preloaded = join(folder, 'short-minutes.mjs')
    const database = join(folder, 'relay.sqlite')
    await writeFile(preloaded, SHORT_MINUTES)
    const command = [...commandOf(preloaded, database), 'dist/server.mjs']
    return opened(folder, command, { PORT: '0', RELAY_DATABASE: database, ...environment })
  })
})

describe.concurrent('the built Worker', () => {
  jobsSuite(async (environment) => {
    const folder = await mkdtemp(join(tmpdir(), 'jobs-'))
    const config = await readFile('wrangler.toml', 'utf8')
    // Copies the built file and removes the build step, because other tests may build again meanwhile.
    await writeFile(join(folder, 'wrangler.toml'), config.replace(/^\[build\]\n.+\n/m, ''))
    await mkdir(join(folder, 'dist'))
    await copyFile('dist/worker.js', join(folder, 'dist/worker.js'))
    const settings = Object.entries(environment).map(([name, value]) => `${name}:${value}`)
    const command = [
      ...[`${bin}/wrangler`, 'dev', '--config', join(folder, 'wrangler.toml')],
      ...['--ip', '127.0.0.1', '--port', '0', '--inspector-port', '0'],
      ...['--persist-to', join(folder, 'state')],
      ...settings.flatMap((setting) => ['--var', setting]),
    ]
    // Prevents requests of wrangler to Cloudflare that are not needed here.
    const quiet = { CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' }
    const objects = join(folder, 'state/v3/do')
    const door = await opened(folder, command, quiet, objects)
    return { ...door, fire: () => twice(() => fireCron(door.url)) }
  })
})

/** Sends the event of the current minute, as Cloudflare does each minute. */
async function fireCron(url: string) {
  const time = Date.now() - (Date.now() % 60_000)
  const answer = await fetch(`${url}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*&time=${time}`)
  expect([answer.status, await answer.text()]).toEqual([200, 'ok'])
}

/** Fires a timer twice, because a platform may deliver an event twice. */
function twice(fire: () => Promise<unknown>) {
  return Promise.all([fire(), fire()])
}

/** Starts a server that prints its port, and waits until it answers. The relay stores its data in the folder `kept`. */
async function opened(
  folder: string,
  [file = '', ...args]: string[],
  environment: Environment,
  kept = folder,
): Promise<TimedDoor & { url: string }> {
  const { HOME } = process.env
  const child = spawn(file, args, {
    env: { HOME, PATH: `${bin}:${process.env.PATH}`, ...(environment as Record<string, string>) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'close')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const close = async () => {
    child.kill('SIGTERM')
    await exited
    for (const text of [output, ...(await filesIn(kept))]) {
      expect([...leaksIn(text), ...targetLeaksIn(text)]).toEqual([])
    }
    await rm(folder, { recursive: true })
  }
  const urlNow = async () => {
    const [, listening, ready] =
      /"event":"listening","port":(\d+)|Ready on http:\/\/127\.0\.0\.1:(\d+)/.exec(output) ?? []
    const url = `http://127.0.0.1:${listening ?? ready}`
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    return url
  }
  try {
    const url = await Promise.race([until(urlNow), exited.then(() => Promise.reject())])
    const request = requestBy((path, init) => fetch(url + path, init))
    return { url, output: () => output, request, close }
  } catch {
    await close()
    throw new Error(`The relay did not start:\n${output}`)
  }
}

/** Returns the contents of all files, with one character for each byte. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return Promise.all(
    files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')),
  )
}

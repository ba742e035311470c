import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { portOf } from '../shared/settings.ts'
import { greet, openSandbox } from './sandbox.ts'

const TICK_EVERY_MS = 60_000
const LOOK_EVERY_MS = 100

const { environment, folder, close } = await openSandbox()
const port = String(portOf(process.env))
const variables = Object.entries(environment).flatMap(([name, value]) => [
  '--var',
  `${name}:${value}`,
])
const where = ['--ip', '127.0.0.1', '--port', port, '--inspector-port', '0', '--persist-to', folder]
const wrangler = spawn('wrangler', ['dev', ...where, ...variables], {
  stdio: 'inherit',
  // Keeps wrangler from asking Cloudflare for what a sandbox does not need.
  env: { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' },
})
// Wrangler's own timer rests while it develops.
const cron = `http://127.0.0.1:${port}/cdn-cgi/handler/scheduled`
setInterval(() => fetch(cron).catch(() => {}), TICK_EVERY_MS).unref()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => wrangler.kill(signal))
}
wrangler.once('exit', (code) => {
  close()
  process.exitCode = code ?? 0
})
const url = `http://127.0.0.1:${port}`
while (!(await fetch(`${url}/healthz`).catch(() => undefined))?.ok) await sleep(LOOK_EVERY_MS)
greet(url)

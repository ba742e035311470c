import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { listen, listenFault } from '../functions/platform/node/listen.ts'
import { terminalLine } from '../shared/log.ts'
import { listenAddress } from '../shared/settings.ts'
import { greet, openSandbox } from './sandbox.ts'

const TICK_EVERY_MS = 60_000
const POLL_MS = 100

const address = { ...listenAddress(process.env), host: '127.0.0.1' }
// Wrangler would report a port in use only after it has announced the Worker.
try {
  await (await listen(async () => new Response(), address)).close()
} catch (error) {
  console.error(listenFault(error, address).detail)
  process.exit(1)
}

const { environment, folder, close } = await openSandbox()
const variables = Object.entries(environment).flatMap(([name, value]) => [
  '--var',
  `${name}:${value}`,
])
const listening = ['--ip', address.host, '--port', String(address.port), '--inspector-port', '0']
const wrangler = spawn(
  'wrangler',
  [
    'dev',
    ...listening,
    '--persist-to',
    folder,
    '--show-interactive-dev-session=false',
    ...variables,
  ],
  {
    stdio: ['inherit', 'pipe', 'inherit'],
    // Stops wrangler's own requests to Cloudflare, which a sandbox does not need.
    env: { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' },
  },
)
createInterface({ input: wrangler.stdout }).on('line', (line) => {
  const shown = process.stdout.isTTY ? shortLine(line) : line
  if (shown !== undefined) console.log(shown)
})
// Wrangler does not fire cron triggers by itself.
const url = `http://${address.host}:${address.port}`
setInterval(() => fetch(`${url}/cdn-cgi/handler/scheduled`).catch(() => {}), TICK_EVERY_MS).unref()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => wrangler.kill(signal))
}
wrangler.once('exit', (code) => {
  close()
  process.exitCode = code ?? 0
})
while (wrangler.exitCode === null && !(await isUp())) await sleep(POLL_MS)
if (wrangler.exitCode === null) greet(url)

async function isUp(): Promise<boolean> {
  const answer = await fetch(`${url}/healthz`).catch(() => undefined)
  return answer?.ok ?? false
}

/** Shortens a log line of the relay for a terminal; other lines stay as they are. */
function shortLine(line: string): string | undefined {
  if (!line.startsWith('{"time"')) return line
  const { time, level: _, ...event } = JSON.parse(line)
  return terminalLine(event, new Date(time))
}

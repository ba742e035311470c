import { spawn } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { until } from './until.ts'

/** A running sandbox: its address, and the lines that it printed for pasting. */
export interface RunningSandbox {
  url: string
  lines: string[]
  stop(): Promise<void>
}

/** Returns a port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Starts an npm script that opens the sandbox, on a port of its own. */
export async function startSandbox(script: string): Promise<RunningSandbox> {
  const port = await freePort()
  const env = { ...process.env, PORT: String(port), CI: '1' }
  const child = spawn('npm', ['run', '--silent', script], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += data
    })
  }
  const lines = () => output.split('\n').filter((line) => /^(export|curl) /.test(line))
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const failed = exited.then(() => Promise.reject(new Error(output)))
  // A line can be pasted as soon as it is printed.
  await Promise.race([failed, until(() => lines().length === 5)])
  failed.catch(() => {})
  return {
    url: `http://127.0.0.1:${port}`,
    lines: lines(),
    async stop() {
      process.kill(-Number(child.pid), 'SIGINT')
      await exited
    },
  }
}

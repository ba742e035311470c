import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test, vi } from 'vitest'

const run = promisify(execFile)
let child: ChildProcess | undefined

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Starts a script as npm does, and gives its URL and the lines that it printed for pasting. */
async function started(script: string) {
  const port = await freePort()
  const env = { ...process.env, PORT: String(port), CI: '1' }
  const own = spawn('npm', ['run', '--silent', script], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  child = own
  let output = ''
  for (const stream of [own.stdout, own.stderr]) {
    stream.on('data', (data) => {
      output += data
    })
  }
  const lines = () => output.split('\n').filter((line) => line.startsWith('curl '))
  // What is told can be pasted at once.
  while (lines().length < 4) {
    if (own.exitCode !== null) throw new Error(output)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { url: `http://127.0.0.1:${port}`, lines: lines() }
}

afterEach(async () => {
  const own = child
  child = undefined
  if (!own?.pid) return
  const exited = new Promise((resolve) => own.once('exit', resolve))
  process.kill(-own.pid, 'SIGINT')
  await exited
})

describe.each(['start', 'dev:worker'])('npm run %s', (script) => {
  test('prints four lines that work as they are pasted, and the README has them', async () => {
    const { url, lines } = await started(script)
    const answers = []
    for (const line of lines) answers.push(JSON.parse((await run('sh', ['-c', line])).stdout))
    expect(answers).toMatchObject([
      { kind: 'memberServerImage', phase: 'pending' },
      { state: 'created', image: { kind: 'serverImage', phase: 'ready' } },
      { code: 'invalid-input', errors: [{}, {}, {}, {}] },
      { code: 'upstream-refused', outcome: 'not-applied' },
    ])
    const readme = readFileSync('README.md', 'utf8')
    for (const line of lines) expect(readme).toContain(line.replace(url, 'http://127.0.0.1:8787'))
  })
})

test('npm run chat shows what Slack would, and makes an image of what is clicked', async () => {
  const { url } = await started('start')
  const env = { ...process.env, PORT: new URL(url).port }
  const chat = async (...args: string[]) =>
    (await run('npm', ['run', '--silent', 'chat', '--', ...args], { env })).stdout
  expect(await chat('/ncp status 12341457')).toMatch(/^\*test-kvm is ready\*\nImage: 12341457 · /)
  const summary = await chat('/ncp create web-chat 12344697 50:CB2')
  expect(summary).toMatch(/^\*Create: web-chat\*\nSize: 60 GB\n✓ 0 12344697 10 GB\n/)
  const [, value = ''] = /--click '([^']+)'\n$/.exec(summary) ?? []
  expect(await chat('--click', value)).toMatch(
    /^\*creations\*\ncr_[0-9a-f]{32} accepted web-chat -\n$/,
  )
  expect(await chat('/ncp', 'status', 'web-chat')).toContain('web-chat is being made')
  await expect(chat('--click', 'other thing')).rejects.toThrow('npm run chat -- ')
  expect(await chat('/ncp creations')).toMatch(/\ncr_[0-9a-f]{32} accepted web-chat -\n$/)
  await expect(chat('status')).rejects.toThrow('npm run chat -- ')
  await expect(
    run('npm', ['run', '--silent', 'chat', '--', '/ncp'], { env: { ...env, PORT: '9' } }),
  ).rejects.toThrow('npm start')
})

test('the sandbox tells of an image within three minutes', async () => {
  // A minute takes a second.
  const hurry = `
    const { now } = Date, start = now(), [timeout, interval] = [setTimeout, setInterval]
    Date.now = () => start + (now() - start) * 60
    globalThis.setTimeout = (act, ms, ...more) => timeout(act, ms / 60, ...more)
    globalThis.setInterval = (act, ms, ...more) => interval(act, ms / 60, ...more)`
  const preload = `--import=data:text/javascript,${encodeURIComponent(hurry)}`
  const env = { ...process.env, PORT: String(await freePort()) }
  child = spawn(process.execPath, [preload, 'scripts/start.ts'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  const told =
    /Notified: web-\d{6}-\d{4} is ready\n {2}Image: 3000000\d\n {2}Job: every-two-minutes\n {2}Took: /
  await vi.waitFor(() => expect(output).toMatch(told), { timeout: 10_000 })
  // One tick at once, and one each minute: by the fourth it is told.
  const before = output.slice(0, output.search(told))
  expect(before.match(/"event":"tick"/g)?.length).toBeLessThanOrEqual(3)
})

describe('npm run key', () => {
  const key = (...args: string[]) => run('npm', ['run', '--silent', 'key', '--', ...args])

  test('prints a key and its entry', async () => {
    const { stdout } = await key('ci', '--scope', 'images:read', '--scope', 'images:create')
    expect(stdout).toMatch(/nir_[0-9A-Za-z]{46}\n/)
    expect(JSON.parse(stdout.slice(stdout.indexOf('{')))).toEqual({
      id: 'ci',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      scopes: ['images:read', 'images:create'],
    })
  })

  test('limits a key as it is told', async () => {
    const limits = ['--name-prefix', 'web-', '--daily-creations', '5']
    const until = ['--expires-at', '2027-01-01T00:00:00+09:00']
    const { stdout } = await key('ci', '--scope', 'images:create', ...limits, ...until)
    expect(JSON.parse(stdout.slice(stdout.indexOf('{')))).toMatchObject({
      namePrefix: 'web-',
      dailyCreations: 5,
      expiresAt: '2027-01-01T00:00:00+09:00',
    })
  })

  test.each([
    [[]],
    [['ci']],
    [['a b', '--scope', 'images:read']],
    [['ci', '--scope', 'images:all']],
    [['ci', '--scope', 'images:read', '--prefix', 'x']],
    [['ci', '--scope', 'images:read', '--daily-creations', 'many']],
    [['ci', '--scope', 'images:read', '--expires-at', '2027-01-01']],
  ])('explains itself to %j', async (args) => {
    await expect(key(...args)).rejects.toThrow('npm run key -- ID --scope images:read')
  })
})

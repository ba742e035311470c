import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { versionFault } from '../functions/platform/node/version.ts'
import { freePort, startSandbox } from './support/sandbox.ts'
import { until } from './support/until.ts'

const run = promisify(execFile)
let child: ChildProcess | undefined

/** Starts a sandbox that ends with the test. */
async function started(script: string) {
  const sandbox = await startSandbox(script)
  onTestFinished(sandbox.stop)
  return sandbox
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
  test('prints four commands that work when pasted and are in the README', async () => {
    const { url, lines } = await started(script)
    const answers = []
    const [setting, ...commands] = lines
    for (const command of commands) {
      const pasted = `${setting}\n${command}`
      answers.push(JSON.parse((await run('sh', ['-c', pasted])).stdout))
    }
    expect(answers).toMatchObject([
      { kind: 'serverImage', phase: 'ready' },
      { status: 'ready', image: { kind: 'serverImage', phase: 'ready' } },
      { code: 'invalid-input', errors: [{}, {}, {}, {}] },
      { code: 'upstream-refused', outcome: 'not-applied' },
    ])
    const readme = readFileSync('README.md', 'utf8')
    for (const line of lines) expect(readme).toContain(line.replace(url, 'http://127.0.0.1:8787'))
  })
})

test('npm run chat shows the answers that Slack would show, also for a click', async () => {
  const { url } = await started('start')
  const env = { ...process.env, PORT: new URL(url).port }
  const chat = async (...args: string[]) =>
    (await run(process.execPath, ['scripts/chat.ts', ...args], { env })).stdout
  const asDocumented = ['run', '--silent', 'chat', '--', '/ncp status 12341457']
  expect((await run('npm', asDocumented, { env })).stdout).toMatch(
    /^\*test-kvm is ready\*\nImage: 12341457\n/,
  )
  const summary = await chat('/ncp create web-chat 12344697 50:CB2')
  expect(summary).toMatch(
    /^\*Create image web-chat\?\*\nSize: 60 GB\n✓ Base storage: from snapshot 12344697, 10 GB\n/,
  )
  const buttonIn = (text: string) => /--click '([^']+)'\n$/.exec(text)?.[1] ?? ''
  const second = await chat('/ncp create web-chat 12344697')
  expect(await chat('--click', buttonIn(summary))).toMatch(
    /^web-chat is requested\. The result will be posted here\. .*\/ncp status op_[0-9a-f]{32}\n$/,
  )
  // The second request has the same name, so its click is refused.
  expect(await chat('--click', buttonIn(second))).toMatch(
    /^The name web-chat is in use by request op_[0-9a-f]{32} \(.* Choose another name\.\n$/,
  )
  expect(await chat('/ncp', 'status', 'web-chat')).toMatch(/^\*web-chat/)
  await expect(chat('--click', 'other thing')).rejects.toThrow('npm run chat -- ')
  expect(await chat('/ncp recent')).toMatch(/\nweb-chat: .*\(op_[0-9a-f]{32}\)\n$/)
  await expect(chat('status')).rejects.toThrow('npm run chat -- ')
  await expect(
    run(process.execPath, ['scripts/chat.ts', '/ncp'], { env: { ...env, PORT: '9' } }),
  ).rejects.toThrow('npm start')
})

test('the sandbox announces the image of its job', async () => {
  // One minute takes one second.
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
  const announcement =
    /Notified: web-\d{6}-\d{4} is ready\n {2}Image: 3000000\d\n {2}Job: every-two-minutes\n {2}Took: /
  await until(() => announcement.test(output))
})

describe('a port that is in use', () => {
  test.each(['start', 'dev:worker', 'gateway'])(
    'makes npm run %s exit with one line that says what to do',
    async (script) => {
      const { url } = await started('start')
      const port = Number(new URL(url).port)
      const env = { ...process.env, PORT: String(port) }
      const failure = await run('npm', ['run', '--silent', script], { env }).catch((error) => error)
      expect(failure.code).toBe(1)
      const lines = `${failure.stdout}${failure.stderr}`.trim().split('\n')
      expect(lines).toEqual([
        expect.stringContaining(
          `PORT ${port} is already in use. Stop the other process or set PORT=${port + 1}`,
        ),
      ])
    },
  )
})

describe('the sandbox', () => {
  test('listens on loopback only', async () => {
    const { url } = await started('start')
    const { port } = new URL(url)
    // Every address of 127.0.0.0/8 is this machine, so a server on all interfaces would answer.
    await expect(fetch(`http://127.0.0.2:${port}/healthz`)).rejects.toThrow()
  })

  test('logs short lines to a terminal', async () => {
    const env = { ...process.env, PORT: String(await freePort()) }
    const command = `${process.execPath} scripts/start.ts`
    const own = spawn('script', ['-qfec', command, '/dev/null'], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    })
    child = own
    let output = ''
    own.stdout.on('data', (chunk) => {
      output += chunk
    })
    await until(() => output.includes('Commands to paste'))
    const key = 'nir_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd29Yx0s'
    const url = `http://127.0.0.1:${env.PORT}/v1/images/12342264`
    expect((await fetch(url, { headers: { 'x-api-key': key } })).status).toBe(200)
    const line =
      /\d\d:\d\d:\d\d {2}GET \/v1\/images\/:no {2}200 {2}image 12342264 {2}key:demo {2}\d+ ms/
    await until(() => line.test(output))
    expect(output).not.toContain('{"time"')
  })
})

test('a server on an old Node names the version that it needs', async () => {
  expect([versionFault('20.20.2'), versionFault('22.17.9')]).toEqual([
    'Node 22.18 or later is required; this is 20.20',
    'Node 22.18 or later is required; this is 22.17',
  ])
  expect([versionFault('22.18.0'), versionFault('24.0.0')]).toEqual([undefined, undefined])
  // The built server must load far enough to say so on any other Node of this machine.
  const { stdout } = await run('sh', ['-c', 'which -a node'])
  const other = stdout.split('\n').find((path) => path && !path.includes('node_modules'))
  const { stdout: version } = await run(other ?? process.execPath, ['-p', 'process.versions.node'])
  const fault = versionFault(version.trim())
  if (!other || !fault) return
  const failure = await run(other, ['dist/server.mjs']).catch((error) => error)
  expect(failure.code).toBe(1)
  expect(failure.stdout).toContain(`"detail":"${fault}"`)
})

describe('npm run key', () => {
  const key = (...args: string[]) => run(process.execPath, ['scripts/key.ts', ...args])

  test('prints a key and its entry', async () => {
    const scopes = ['--scope', 'images:read', '--scope', 'images:create']
    const { stdout } = await run('npm', ['run', '--silent', 'key', '--', 'ci', ...scopes])
    expect(stdout).toMatch(/nir_[0-9A-Za-z]{46}\n/)
    expect(JSON.parse(stdout.slice(stdout.indexOf('{')))).toEqual({
      id: 'ci',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      scopes: ['images:read', 'images:create'],
    })
  })

  test('limits a key by its options', async () => {
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
  ])('prints its usage for %j', async (args) => {
    await expect(key(...args)).rejects.toThrow('npm run key -- ID --scope images:read')
  })
})

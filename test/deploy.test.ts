import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)

/** The contract's limit for the compressed Worker, in bytes. It only catches mistakes. */
const WORKER_BYTES = 150_000

describe('the deployment with wrangler', () => {
  let folder: string
  let output: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'worker-'))
    const secrets = ['--secrets-file', '.dev.vars.example']
    const { stdout } = await run(
      'node_modules/.bin/wrangler',
      ['deploy', '--dry-run', '--outdir', folder, ...secrets],
      {
        // Prevents requests to Cloudflare.
        env: {
          ...process.env,
          CLOUDFLARE_CF_FETCH_ENABLED: 'false',
          WRANGLER_SEND_METRICS: 'false',
        },
      },
    )
    output = stdout
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('has only the built file that the tests run', async () => {
    const files = (await readdir(folder)).filter((name) => name !== 'README.md')
    expect(files).toEqual(['worker.js'])
    const uploaded = await readFile(join(folder, 'worker.js'))
    expect(uploaded.equals(await readFile('dist/worker.js'))).toBe(true)
  })

  test('is small and uses neither Node nor AWS', async () => {
    const text = await readFile(join(folder, 'worker.js'), 'utf8')
    expect(gzipSync(text, { level: 9 }).length).toBeLessThanOrEqual(WORKER_BYTES)
    expect(
      text.match(/node:[a-z]+|aws-sdk|amazonaws|x-amz|better-sqlite|process\.env|Buffer\.from/gi),
    ).toBeNull()
  })

  test('has the bindings of the relay and hides its secrets', () => {
    expect(output).toMatch(/env\.OPERATIONS \(OperationsObject\) +Durable Object/)
    for (const name of ['NCLOUD_ACCESS_KEY', 'NCLOUD_SECRET_KEY', 'RELAY_KEYS']) {
      expect(output).toMatch(new RegExp(`env\\.${name} \\("\\(hidden\\)"\\)`))
    }
  })

  test('runs every minute without Node compatibility', async () => {
    const wrangler = await readFile('wrangler.toml', 'utf8')
    expect(wrangler).toMatch(/^crons = \["\* \* \* \* \*"\]/m)
    expect(wrangler).toMatch(
      /^compatibility_flags = \["no_nodejs_compat", "no_nodejs_compat_v2"\]$/m,
    )
    // Cloudflare's own log line of an invocation has headers and the query.
    expect(wrangler).toMatch(/^invocation_logs = false/m)
    // Cloudflare's traces have the URLs of all calls, and webhook URLs are secrets.
    expect(wrangler).toMatch(/^\[observability\.traces\]\nenabled = false/m)
    expect(wrangler).toMatch(/^new_sqlite_classes = \["OperationsObject"\]$/m)
  })
})

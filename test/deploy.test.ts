import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)

/** The contract's ceiling for the compressed Worker: it only catches mistakes. */
const WORKER_BYTES = 150_000

describe('what wrangler deploys', () => {
  let folder: string
  let told: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'worker-'))
    const secrets = ['--secrets-file', '.dev.vars.example']
    const { stdout } = await run(
      'node_modules/.bin/wrangler',
      ['deploy', '--dry-run', '--outdir', folder, ...secrets],
      {
        // Keeps it from asking Cloudflare anything.
        env: {
          ...process.env,
          CLOUDFLARE_CF_FETCH_ENABLED: 'false',
          WRANGLER_SEND_METRICS: 'false',
        },
      },
    )
    told = stdout
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('is the built file that the tests run, and nothing else', async () => {
    const files = (await readdir(folder)).filter((name) => name !== 'README.md')
    expect(files).toEqual(['worker.js'])
    const uploaded = await readFile(join(folder, 'worker.js'))
    expect(uploaded.equals(await readFile('dist/worker.js'))).toBe(true)
  })

  test('is small, and names neither Node nor AWS', async () => {
    const text = await readFile(join(folder, 'worker.js'), 'utf8')
    expect(gzipSync(text, { level: 9 }).length).toBeLessThanOrEqual(WORKER_BYTES)
    expect(
      text.match(/node:[a-z]+|aws-sdk|amazonaws|x-amz|better-sqlite|process\.env|Buffer\.from/gi),
    ).toBeNull()
  })

  test('has what the relay needs, and hides what it must', () => {
    expect(told).toMatch(/env\.CREATIONS \(CreationsObject\) +Durable Object/)
    for (const name of ['NCLOUD_ACCESS_KEY', 'NCLOUD_SECRET_KEY', 'RELAY_KEYS']) {
      expect(told).toMatch(new RegExp(`env\\.${name} \\("\\(hidden\\)"\\)`))
    }
  })

  test('runs each minute, without Node', async () => {
    const wrangler = await readFile('wrangler.toml', 'utf8')
    expect(wrangler).toMatch(/^crons = \["\* \* \* \* \*"\]/m)
    expect(wrangler).toMatch(
      /^compatibility_flags = \["no_nodejs_compat", "no_nodejs_compat_v2"\]$/m,
    )
    // Cloudflare's own line an invocation has headers and the query.
    expect(wrangler).toMatch(/^invocation_logs = false/m)
    // Its traces have the URLs of all calls, and those of webhooks are secrets.
    expect(wrangler).toMatch(/^\[observability\.traces\]\nenabled = false/m)
    expect(wrangler).toMatch(/^new_sqlite_classes = \["CreationsObject"\]$/m)
  })
})

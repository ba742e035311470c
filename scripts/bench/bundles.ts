import { execFileSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { bundle, bundles } from '../build.ts'
import { print, spread } from './table.ts'

const STARTS = 15
/** What the Worker holds beyond HTTP and the calls: creations, jobs, notifications, chats and the OpenAPI document. */
const BEYOND_CORE = new RegExp(
  [
    ...['/shared/creation/', '/shared/(jobs|cron|notify|notification|notice|messages)\\.ts'],
    ...['/functions/chat/', '/shared/(intent|question)\\.ts'],
    ...['/functions/(creations|jobs|tick)\\.ts', '/functions/(openapi\\.json|platform/)'],
  ].join('|'),
)

/** How the function is built for a runtime that brings the SDK along. */
export const sdkExternal = { ...bundles['dist/lambda.mjs'], external: ['@aws-sdk/*'] }

const listed = { ...bundles, 'dist/lambda.mjs, its SDK external': sdkExternal }

/** Bytes of the built files, and of the Worker without what it holds beyond HTTP and the calls. */
export async function benchSizes(): Promise<void> {
  const rows = []
  for (const [name, options] of Object.entries(listed)) {
    const { outputFiles } = await build({ ...bundle, ...options, sourcemap: false, write: false })
    rows.push(sizes(name, outputFiles[0]?.text ?? ''))
  }
  const core = await build({
    ...bundle,
    ...bundles['dist/worker.js'],
    sourcemap: false,
    write: false,
    logLevel: 'error',
    plugins: [
      { name: 'core', setup: ({ onLoad }) => onLoad({ filter: BEYOND_CORE }, empty) },
      ...bundles['dist/worker.js'].plugins,
    ],
  })
  rows.push(sizes('of the Worker: HTTP and the calls', core.outputFiles[0]?.text ?? ''))
  print('Bundles (goal: Worker at most 45 kB gzip, its core at most 20)', [
    ['', 'bytes', 'gzip'],
    ...rows,
  ])
}

/** CPU that importing the app costs a fresh process. */
export async function benchImport(): Promise<void> {
  const outfile = 'dist/bench/app.mjs'
  await build({
    ...bundle,
    entryPoints: ['functions/app.ts'],
    outfile,
    platform: 'neutral',
    mainFields: ['module'],
  })
  const script = `const before = process.cpuUsage(); await import('./${outfile}')
    const { user, system } = process.cpuUsage(before); console.log((user + system) / 1000)`
  const series = Array.from({ length: STARTS }, () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', script])),
  )
  print('Import of the app on Node (goal: at most 15 ms of CPU)', [
    ['', 'ms'],
    ['CPU', spread(series, 1)],
  ])
}

function empty() {
  return { contents: 'module.exports = {}', loader: 'js' as const }
}

function sizes(name: string, text: string): (string | number)[] {
  return [name, Buffer.byteLength(text), gzipSync(text, { level: 9 }).length]
}

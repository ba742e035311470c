import { execFileSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { bundle, bundles } from '../build.ts'
import { print, spread } from './table.ts'

const STARTS = 15
/** The Lambda bundle for a runtime that includes the SDK. */
export const sdkExternal = { ...bundles['dist/lambda.mjs'], external: ['@aws-sdk/*'] }

const listed = { ...bundles, 'dist/lambda.mjs, its SDK external': sdkExternal }

/** Prints the bytes of the built files, raw and gzip. */
export async function benchSizes(): Promise<void> {
  const rows = []
  for (const [name, options] of Object.entries(listed)) {
    const { outputFiles } = await build({ ...bundle, ...options, sourcemap: false, write: false })
    rows.push(sizes(name, outputFiles[0]?.text ?? ''))
  }
  print('Bundles (ceiling of the Worker: 150 kB gzip)', [['', 'bytes', 'gzip'], ...rows])
}

/** Prints the CPU time of importing the app in a new Node process. */
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
  print('Import of the app on Node (goal: at most 20 ms of CPU)', [
    ['', 'ms'],
    ['CPU', spread(series, 1)],
  ])
}

function sizes(name: string, text: string): (string | number)[] {
  return [name, Buffer.byteLength(text), gzipSync(text, { level: 9 }).length]
}

import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type BuildOptions, build } from 'esbuild'

/** The options that every bundle shares. Identifiers stay as they are, so that stack traces name functions. */
export const bundle = {
  bundle: true,
  format: 'esm',
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: 'linked',
  target: 'es2024',
  logLevel: 'warning',
} satisfies BuildOptions

/** The built files, each self-contained, by output path. */
export const bundles = {
  'dist/worker.js': {
    entryPoints: ['functions/worker.ts'],
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:workers'],
  },
  'dist/server.mjs': { entryPoints: ['functions/server.ts'], platform: 'node' },
  'dist/lambda.mjs': {
    entryPoints: ['functions/lambda.ts'],
    platform: 'node',
    // The SDK's ES modules can be tree-shaken; its CommonJS build is 1.5 times as large.
    mainFields: ['module', 'main'],
  },
} satisfies Record<string, BuildOptions>

if (import.meta.main) {
  for (const [outfile, options] of Object.entries(bundles)) {
    const { outputFiles } = await build({ ...bundle, ...options, outfile, write: false })
    for (const { path, contents } of outputFiles) {
      await mkdir(dirname(path), { recursive: true })
      // Written under another name, then renamed: a concurrent reader gets a complete file, old or new.
      await writeFile(`${path}.${process.pid}`, contents)
      await rename(`${path}.${process.pid}`, path)
    }
  }
}

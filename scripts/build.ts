import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type BuildOptions, build } from 'esbuild'

/** How everything is bundled. */
export const bundle = {
  bundle: true,
  format: 'esm',
  minify: true,
  sourcemap: 'linked',
  target: 'es2024',
  logLevel: 'warning',
} satisfies BuildOptions

/** The files that are built, each self-contained, by where they go. */
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
    // The SDK's own modules, of which only what is used is taken; its CommonJS is half as large again.
    mainFields: ['module', 'main'],
  },
} satisfies Record<string, BuildOptions>

if (import.meta.main) {
  for (const [outfile, options] of Object.entries(bundles)) {
    const { outputFiles } = await build({ ...bundle, ...options, outfile, write: false })
    for (const { path, contents } of outputFiles) {
      await mkdir(dirname(path), { recursive: true })
      // At once: whoever reads a file while it is built has the old one or the new one, whole.
      await writeFile(`${path}.${process.pid}`, contents)
      await rename(`${path}.${process.pid}`, path)
    }
  }
}

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
} satisfies Record<string, BuildOptions>

if (import.meta.main) {
  for (const [outfile, options] of Object.entries(bundles)) {
    await build({ ...bundle, ...options, outfile })
  }
}

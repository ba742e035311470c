import { mkdir, rename, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { minify } from 'terser'

const utf8 = new TextEncoder()

/** How everything is bundled. */
export const bundle = {
  bundle: true,
  format: 'esm',
  minify: true,
  sourcemap: 'linked',
  target: 'es2024',
  logLevel: 'warning',
} satisfies BuildOptions

/** Makes what esbuild has made smaller still, a twenty-fifth by gzip: the Worker's bytes are counted. */
export const smaller: Plugin = {
  name: 'smaller',
  setup({ onEnd }) {
    onEnd(async ({ outputFiles = [] }) => {
      const script = outputFiles.find(({ path }) => path.endsWith('.js'))
      const map = outputFiles.find(({ path }) => path.endsWith('.js.map'))
      if (!script) return
      const name = basename(script.path)
      const made = await minify(script.text, {
        module: true,
        compress: { passes: 3 },
        ...(map && { sourceMap: { content: map.text, url: `${name}.map`, filename: name } }),
      })
      script.contents = utf8.encode(made.code)
      if (map) map.contents = utf8.encode(String(made.map))
    })
  },
}

/** The files that are built, each self-contained, by where they go. */
export const bundles = {
  'dist/worker.js': {
    entryPoints: ['functions/worker.ts'],
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:workers'],
    plugins: [smaller],
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

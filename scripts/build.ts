import { mkdir, rename, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import * as oxc from 'rolldown/utils'
import * as terser from 'terser'

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

/** What Hono's classes hold on to and the relay never calls, by module; and what the relay needs of such a module. */
const HONO: Record<string, { unused: string[]; used?: string[] }> = {
  'helper/route/index': { unused: ['routePath'] },
  'utils/body': { unused: ['parseBody'] },
  'utils/html': { unused: ['HtmlEscapedCallbackPhase', 'resolveCallback'] },
  'utils/mount': { unused: ['createMountedRequest'] },
  'utils/url': {
    unused: ['getPath', 'getPathNoStrict', 'getQueryParam', 'getQueryParams'],
    used: ['mergePath', 'tryDecodeURIComponent'],
  },
}

/** Leaves out of Hono what the relay never calls. Where Hono comes to need anything else, there is nothing to import. */
const lessHono: Plugin = {
  name: 'less-hono',
  setup({ onLoad }) {
    onLoad({ filter: /hono\/dist\/.*\.js$/ }, ({ path, suffix }) => {
      const module = /hono\/dist\/(.*)\.js$/.exec(path)?.[1] ?? ''
      const found = suffix ? undefined : HONO[module]
      if (!found) return undefined
      const { unused, used } = found
      const nothing = unused.map((name) => `export const ${name} = undefined`)
      const rest = used ? [`export { ${used.join(', ')} } from './${basename(path)}?whole'`] : []
      return { contents: [...nothing, ...rest].join('\n'), resolveDir: dirname(path) }
    })
  },
}

/**
 * Makes what esbuild has bundled as small as can be: the Worker's bytes are counted. By gzip, what Oxc, Terser and again Oxc
 * make of it is a fourteenth smaller than what esbuild's own minifier does.
 */
const smaller: Plugin = {
  name: 'smaller',
  setup({ onEnd }) {
    onEnd(async ({ outputFiles = [] }) => {
      const script = outputFiles.find(({ path }) => !path.endsWith('.map'))
      const map = outputFiles.find(({ path }) => path.endsWith('.map'))
      if (!script) return
      const first = await byOxc({ code: script.text, map: map?.text })
      const { code, map: last } = await byOxc(await byTerser(first), { mangle: false })
      script.contents = utf8.encode(code)
      if (map) map.contents = utf8.encode(last)
    })
  },
}

interface Code {
  code: string
  /** Its source map, in JSON. */
  map: string | undefined
}

async function byOxc({ code, map }: Code, options: oxc.MinifyOptions = {}): Promise<Code> {
  const input = map === undefined ? {} : { sourcemap: true, inputMap: JSON.parse(map) }
  const made = await oxc.minify('worker.js', code, { module: true, ...options, ...input })
  if (made.errors.length > 0) throw new Error(made.errors.map(({ message }) => message).join())
  return { code: made.code, map: map && JSON.stringify(made.map) }
}

async function byTerser({ code, map }: Code): Promise<Code> {
  const made = await terser.minify(code, {
    module: true,
    ecma: 2020,
    compress: {
      passes: 5,
      keep_fargs: false,
      hoist_funs: true,
      pure_getters: true,
      unsafe: true,
      unsafe_arrows: true,
      unsafe_methods: true,
      // Written as most of it is, it is found again by gzip.
      arrows: false,
      lhs_constants: false,
    },
    ...(map && { sourceMap: { content: map, filename: 'worker.js' } }),
  })
  return { code: String(made.code), map: map && String(made.map) }
}

/** The files that are built, each self-contained, by where they go. */
export const bundles = {
  'dist/worker.js': {
    entryPoints: ['functions/worker.ts'],
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:workers'],
    minify: false,
    minifySyntax: true,
    // The map lies beside the file, which does not name it: Wrangler needs no link.
    sourcemap: 'external',
    plugins: [lessHono, smaller],
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

import { copyFile, writeFile } from 'node:fs/promises'
import { build } from 'esbuild'
import { bundle, bundles } from '../build.ts'

const FOLDER = 'dist/bench'
const text = (value: string) => JSON.stringify(value)

/** Writes the files with which workerd serves the pass-through. Returns the path of the configuration. */
export async function passThroughWorker(): Promise<string> {
  await build({
    ...bundle,
    ...bundles['dist/worker.js'],
    entryPoints: ['scripts/bench/pass-through.ts'],
    outfile: `${FOLDER}/pass-through.js`,
    sourcemap: false,
  })
  return configuration('pass-through', '')
}

/** Writes the files with which workerd serves the built Worker. Returns the path of the configuration. */
export async function relayWorker(settings: Record<string, string>): Promise<string> {
  await copyFile('dist/worker.js', `${FOLDER}/relay.js`)
  const bindings = Object.entries(settings).map(
    ([name, value]) => `(name = ${text(name)}, text = ${text(value)}),`,
  )
  return configuration(
    'relay',
    `durableObjectNamespaces = [
    (className = "OperationsObject", uniqueKey = "operations", enableSql = true),
  ],
  durableObjectStorage = (inMemory = void),
  bindings = [
    ${bindings.join('\n    ')}
    (name = "OPERATIONS", durableObjectNamespace = "OperationsObject"),
  ],`,
  )
}

/** Writes a configuration with the date and flags of `wrangler.toml`, which switch Node compatibility off. */
async function configuration(name: string, more: string): Promise<string> {
  const file = `${FOLDER}/${name}.capnp`
  await writeFile(
    file,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "${name}.js")],
  compatibilityDate = "2026-10-23",
  compatibilityFlags = ["no_nodejs_compat", "no_nodejs_compat_v2"],
  ${more}
);`,
  )
  return file
}

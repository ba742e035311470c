import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const CACHE = resolve('node_modules/.cache/packages')

const run = promisify(execFile)

/** A package that is not installed with every clone: too large, or to be built where it is. */
export interface NpmPackage {
  name: string
  version: string
  /** SHA-512 of the tarball, base64. */
  integrity: string
  /** What of it is needed, as a path in it. */
  part: string
}

/** The folder of a package's part, fetched the first time and proven to be what was meant. Nothing of it is run. */
export async function fetchedPackage(wanted: NpmPackage): Promise<string> {
  const { name, version, integrity, part } = wanted
  const folder = join(CACHE, `${name}-${version}`)
  const unpacked = join(folder, 'package', part)
  const isThere = () =>
    access(unpacked).then(
      () => true,
      () => false,
    )
  if (await isThere()) return unpacked
  await mkdir(CACHE, { recursive: true })
  const fresh = await mkdtemp(join(CACHE, 'fresh-'))
  try {
    await run('npm', ['pack', `${name}@${version}`, '--pack-destination', fresh])
    const tarball = join(fresh, `${name}-${version}.tgz`)
    const hash = createHash('sha512').update(await readFile(tarball))
    if (hash.digest('base64') !== integrity) throw new Error(`${name} has changed`)
    await run('tar', ['-xzf', tarball, '-C', fresh, join('package', part)])
    await rm(tarball)
    // Whoever comes second finds the folder there, and it is the same.
    await rename(fresh, folder).catch(isThere)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  return unpacked
}

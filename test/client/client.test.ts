import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import openapiTS, { astToString } from 'openapi-typescript'
import { expect, test } from 'vitest'
import { openapi } from '../../scripts/openapi/openapi.ts'
import { keyOf } from '../support/keys.ts'
import { openRelay } from '../support/relay.ts'

const GENERATED = join(import.meta.dirname, 'generated')

test('the document follows the recommended rules of Redocly', async () => {
  const config = await createConfig({ extends: ['recommended'] })
  const source = JSON.stringify(openapi())
  const problems = await lintFromString({ source, config })
  const found = problems.map(({ severity, ruleId, location: [at] }) => {
    return `${severity} ${ruleId} ${at?.pointer}`
  })
  // These have no parameters, so a caller can do nothing wrong.
  const paths = ['/', '/healthz', '/readyz', '/openapi.json', '/problems']
  const pointers = paths.map((path) => `#/paths/${path.replaceAll('/', '~1')}/get/responses`)
  expect(found).toEqual(pointers.map((pointer) => `warn operation-4xx-response ${pointer}`))
})

test('a client that is generated from the document type-checks and works', async () => {
  const types = astToString(await openapiTS(JSON.stringify(openapi())))
  await mkdir(GENERATED, { recursive: true })
  await writeFile(join(GENERATED, 'schema.d.ts'), types)
  const check = promisify(execFile)('node_modules/.bin/tsc', ['-p', import.meta.dirname])
  await expect(check).resolves.toMatchObject({ stdout: '' })

  // Not a literal path: the file type-checks only beside the generated types.
  const { useClient } = await import(join(import.meta.dirname, 'client.ts'))
  const relay = await openRelay()
  const answers = await useClient({
    baseUrl: 'http://relay.test',
    key: keyOf('ci'),
    async fetch(request: Request) {
      const { pathname, search } = new URL(request.url)
      const body = request.method === 'POST' ? await request.text() : undefined
      const headers = Object.fromEntries(request.headers)
      const asked = { method: request.method, as: '', headers, ...(body && { body }) }
      const answered = await relay.request(pathname + search, asked)
      return new Response(answered.text, answered)
    },
  })
  const made = relay.gateway.images.all().filter(({ name }) => name === 'by-client')
  await relay.close()
  expect(answers).toMatchObject({
    phase: 'ready',
    images: 1,
    status: 'ready',
    imageName: 'by-client',
    code: 'operation-not-found',
  })
  expect(made).toHaveLength(1)
})

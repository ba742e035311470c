import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)

/** Notes, on standard error, what of AWS is loaded. */
const hook = `import { registerHooks } from 'node:module'
registerHooks({ resolve: (specifier, context, next) => {
  if (specifier.startsWith('@aws-sdk/client')) process.stderr.write(specifier + '\\n')
  return next(specifier, context)
} })`

/** The SDK's clients that the entry loads on these settings. */
async function clientsOf(environment: Record<string, string>) {
  const args = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`]
  const { stderr } = await run(process.execPath, [...args, 'functions/lambda.ts'], {
    env: { CREATIONS_TABLE: 'creations', AWS_ENDPOINT_URL: 'http://127.0.0.1:9', ...environment },
  })
  const loaded = stderr.split('\n').filter((line) => /^@aws-sdk\/client-[a-z-]+$/.test(line))
  return [...new Set(loaded)].sort()
}

test('with a key pair in the environment Secrets Manager’s SDK is never loaded', async () => {
  const pair = { NCLOUD_ACCESS_KEY: 'access', NCLOUD_SECRET_KEY: 'secret' }
  expect(await clientsOf(pair)).toEqual(['@aws-sdk/client-dynamodb'])
  expect(await clientsOf({ ...pair, NCLOUD_SECRET_ID: 'relay' })).toEqual([
    '@aws-sdk/client-dynamodb',
  ])
})

test('with a secret it is loaded at once', async () => {
  expect(await clientsOf({ NCLOUD_SECRET_ID: 'relay' })).toEqual([
    '@aws-sdk/client-dynamodb',
    '@aws-sdk/client-secrets-manager',
  ])
})

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)

/** Prints the AWS clients that are loaded to standard error. */
const hook = `import { registerHooks } from 'node:module'
registerHooks({ resolve: (specifier, context, next) => {
  if (specifier.startsWith('@aws-sdk/client')) process.stderr.write(specifier + '\\n')
  return next(specifier, context)
} })`

/** Returns the SDK clients that the entry loads with these settings. */
async function clientsOf(environment: Record<string, string>) {
  const args = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`]
  const { stderr } = await run(process.execPath, [...args, 'functions/lambda.ts'], {
    env: { RELAY_TABLE: 'operations', AWS_ENDPOINT_URL: 'http://127.0.0.1:9', ...environment },
  })
  const loaded = stderr.split('\n').filter((line) => /^@aws-sdk\/client-[a-z-]+$/.test(line))
  return [...new Set(loaded)].sort()
}

test('a key pair in the environment keeps the Secrets Manager SDK from being loaded', async () => {
  const pair = { NCLOUD_ACCESS_KEY: 'access', NCLOUD_SECRET_KEY: 'secret' }
  expect(await clientsOf(pair)).toEqual(['@aws-sdk/client-dynamodb'])
  expect(await clientsOf({ ...pair, NCLOUD_SECRET_ID: 'relay' })).toEqual([
    '@aws-sdk/client-dynamodb',
  ])
})

test('the Secrets Manager SDK is loaded at start when a secret is configured', async () => {
  expect(await clientsOf({ NCLOUD_SECRET_ID: 'relay' })).toEqual([
    '@aws-sdk/client-dynamodb',
    '@aws-sdk/client-secrets-manager',
  ])
})

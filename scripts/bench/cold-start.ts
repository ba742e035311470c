import { resolve } from 'node:path'
import { build } from 'esbuild'
import type { HttpEvent, HttpResult } from '../../functions/platform/aws/http-event.ts'
import { openGateway } from '../../test/gateway/gateway.ts'
import { openLambda } from '../../test/platform/aws/lambda.ts'
import { openSecretsManager, role } from '../../test/platform/aws/secrets-manager.ts'
import { openLocalServer } from '../../test/support/local-server.ts'
import { bundle } from '../build.ts'
import { sdkExternal } from './bundles.ts'
import { pair, read, settingsFor } from './relay.ts'
import { print, spread } from './table.ts'

const STARTS = 11
const SECRET = 'relay'
const BUNDLED = 'dist/lambda'
const EXTERNAL = 'dist/bench/lambda'

const secret = { NCLOUD_SECRET_ID: SECRET }
/** The measured bundles, with the source of the key pair. */
const variants = {
  'SDK bundled, pair in the environment': { file: BUNDLED, source: pair },
  'SDK bundled, pair in Secrets Manager': { file: BUNDLED, source: secret },
  'SDK external, pair in the environment': { file: EXTERNAL, source: pair },
  'SDK external, pair in Secrets Manager': { file: EXTERNAL, source: secret },
}

const event: HttpEvent = {
  rawPath: read.path,
  rawQueryString: '',
  headers: read.headers,
  requestContext: { domainName: 'relay.test', http: { method: 'GET' } },
  isBase64Encoded: false,
}

/** Prints the time of a function's INIT on Lambda's Runtime API, and of its answers to a read. */
export async function benchColdStart(): Promise<void> {
  await build({ ...bundle, ...sdkExternal, outfile: `${EXTERNAL}.mjs`, sourcemap: false })
  const aws = await openAws()
  const starts = new Map(Object.keys(variants).map((name) => [name, [] as Start[]]))
  try {
    for (let round = 0; round <= STARTS; round++) {
      for (const [name, { file, source }] of Object.entries(variants)) {
        const start = await measured(file, { ...aws.environment, ...source })
        // The first round loads the files into memory.
        if (round > 0) starts.get(name)?.push(start)
      }
    }
  } finally {
    await aws.close()
  }
  print(`Lambda, ${STARTS} starts each on a whole CPU, ms; all its upstreams run on this machine`, [
    ['', 'INIT', 'first answer', 'second answer'],
    ...[...starts].map(([name, series]) => {
      const column = (of: keyof Start) => series.map((start) => start[of])
      return [name, spread(column('init')), spread(column('first'), 1), spread(column('second'), 1)]
    }),
  ])
}

/** The times of one start, in milliseconds. */
interface Start {
  init: number
  first: number
  second: number
}

async function measured(file: string, environment: Record<string, string>): Promise<Start> {
  const lambda = await openLambda({
    folder: resolve('.'),
    handler: `${file}.handler`,
    environment,
    timeoutMs: 10_000,
  })
  const invoke = async () => {
    const askedAt = performance.now()
    let handedOutAt = askedAt
    const result = await lambda.invoke({
      // Called when the function fetches the event, which is when INIT has ended.
      toJSON() {
        handedOutAt = performance.now()
        return event
      },
    })
    if ((result as HttpResult).statusCode !== 200) throw new Error(lambda.output())
    return { waited: handedOutAt - askedAt, took: performance.now() - handedOutAt }
  }
  try {
    const { waited: init, took: first } = await invoke()
    const { took: second } = await invoke()
    return { init, first, second }
  } finally {
    await lambda.close()
  }
}

/** Opens the services that the function needs, and returns the environment that names them. */
async function openAws() {
  const [gateway, secretsManager, dynamodb] = await Promise.all([
    openGateway(),
    openSecretsManager(),
    openEmptyTable(),
  ])
  const { NCLOUD_ACCESS_KEY: accessKey, NCLOUD_SECRET_KEY: secretKey } = pair
  secretsManager.secrets.set(SECRET, JSON.stringify({ accessKey, secretKey }))
  return {
    environment: {
      AWS_ACCESS_KEY_ID: role.accessKeyId,
      AWS_SECRET_ACCESS_KEY: role.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.endpoint,
      RELAY_TABLE: 'operations',
      ...settingsFor(gateway.origin),
    },
    async close() {
      dynamodb.close()
      secretsManager.close()
      await gateway.close()
    },
  }
}

/** Opens a DynamoDB table that is always empty. */
function openEmptyTable() {
  return openLocalServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}')
  })
}

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { jsonLines, toProblem } from '../shared/log.ts'
import { signature } from '../shared/ncloud/signature.ts'
import { parseSettings } from '../shared/settings.ts'
import { systemClock } from '../shared/web/clock.ts'
import { createApp } from './app.ts'
import { dynamodbStore } from './platform/aws/dynamodb-store.ts'
import { isHttpEvent, requestOf, resultOf } from './platform/aws/http-event.ts'
import type { Secret } from './platform/aws/secrets.ts'
import { httpTransport } from './platform/node/http-transport.ts'

/** The part of an invocation's time that is kept for storing and answering. */
const MARGIN_MS = 2_000
const TRY_LIMITS = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true }
/** The time limit of the warm-up: Lambda's INIT has 10 s, and a slow read of the secret comes first. */
const WARM_UP_MS = 2_000

/** The relay, opened with one version of its settings. */
interface Relay {
  app: ReturnType<typeof createApp>
  /** True if its settings are valid. */
  serves: boolean
  /** Imports the key and connects to DynamoDB. */
  warm?(): Promise<unknown>
}

/** An invocation's context: the fields that are used. Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
interface Context {
  awsRequestId: string
  getRemainingTimeInMillis(): number
}

const log = jsonLines((line) => process.stdout.write(`${line}\n`))
const transport = httpTransport()
const dynamodb = new DynamoDBClient({ maxAttempts: 3, requestHandler: TRY_LIMITS })
const readSecret = await secretReader(process.env)
let opened: { secret: Secret | undefined; relay: Relay } | undefined

/** Answers requests and runs the job that an event names; any other event is the minute's timer. */
export async function handler(event: object, context: Context) {
  const startedAt = Date.now()
  const { app } = await current()
  const deadline = Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS
  if (!isHttpEvent(event)) {
    return 'job' in event ? app.run(event, { deadline }) : app.tick({ deadline })
  }
  const { awsRequestId: requestId } = context
  return resultOf(await app.fetch(requestOf(event), { requestId, startedAt, deadline }))
}

/**
 * Returns the relay with the current settings; a new one after the secret has changed. A relay that serves is not replaced
 * by one with faulty settings.
 */
async function current(): Promise<Relay> {
  try {
    const secret = await readSecret?.({ fresh: false })
    if (!opened || opened.secret !== secret) {
      const relay = await open(secret)
      opened = { secret, relay: opened?.relay.serves && !relay.serves ? opened.relay : relay }
    }
    return opened.relay
  } catch (error) {
    const { errors = [] } = toProblem(error, log).extras
    return { app: createApp({ settings: { errors }, log }), serves: false }
  }
}

async function open(secret: Secret | undefined): Promise<Relay> {
  const settings = await parseSettings(process.env, {
    ...(secret && { secret: secret.settings }),
    required: ['RELAY_TABLE'],
  })
  if ('errors' in settings) return { app: createApp({ settings, log }), serves: false }
  const { table = '', credentials } = settings.value
  const store = dynamodbStore(dynamodb, table, log)
  const app = createApp({
    settings,
    store,
    log,
    transport,
    ...(readSecret && { credentials: async (options) => (await readSecret(options)).credentials }),
  })
  const warm = () =>
    Promise.allSettled([
      store.get('operation', '-'),
      signature('', secret?.credentials ?? credentials),
    ])
  return { app, serves: true, warm }
}

/** Opens the secret. With a key pair in the environment the SDK of Secrets Manager is never loaded. */
async function secretReader(environment: Record<string, string | undefined>) {
  const { NCLOUD_SECRET_ID, NCLOUD_ACCESS_KEY, NCLOUD_SECRET_KEY } = environment
  if (!NCLOUD_SECRET_ID || NCLOUD_ACCESS_KEY || NCLOUD_SECRET_KEY) return undefined
  const { openSecret } = await import('./platform/aws/secrets.ts')
  return openSecret(NCLOUD_SECRET_ID, systemClock, log)
}

/**
 * Reads the secret, imports the key and connects to DynamoDB before the first request. INIT has a whole CPU; an invocation
 * has the share that its memory buys.
 */
async function warmUp() {
  const { app, warm } = await current()
  await app.fetch(new Request('https://relay/readyz'), { requestId: 'init' })
  // A failure or a delay here is ignored: the first request tries again and reports it.
  await Promise.race([warm?.(), systemClock.sleep(WARM_UP_MS)])
}

await warmUp()

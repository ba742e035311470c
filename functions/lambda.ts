import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { systemClock } from '../shared/clock.ts'
import { jsonLines, problemSeen } from '../shared/log.ts'
import { signature } from '../shared/ncloud/signature.ts'
import { parseSettings } from '../shared/settings.ts'
import { createApp } from './app.ts'
import { dynamodbStore } from './platform/aws/dynamodb-store.ts'
import { isHttpEvent, requestOf, resultOf } from './platform/aws/http-event.ts'
import type { Secret } from './platform/aws/secrets.ts'
import { httpTransport } from './platform/node/http-transport.ts'

/** Kept back of an invocation's time, to store in and to answer. */
const MARGIN_MS = 2_000
const TRY_LIMITS = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true }
/** Of Lambda's ten seconds for INIT, what is left when a secret could hardly be read. */
const WARM_UP_MS = 2_000

/** The relay on the settings of one moment. */
interface Relay {
  app: ReturnType<typeof createApp>
  /** Whether its settings are right. */
  serves: boolean
  /** Imports the key and connects to DynamoDB. */
  warm?(): Promise<unknown>
}

/** What the relay reads of an invocation. Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
interface Context {
  awsRequestId: string
  getRemainingTimeInMillis(): number
}

const log = jsonLines((line) => process.stdout.write(`${line}\n`))
const transport = httpTransport()
const dynamodb = new DynamoDBClient({ maxAttempts: 3, requestHandler: TRY_LIMITS })
const readSecret = await secretReader(process.env)
let opened: { secret: Secret | undefined; relay: Relay } | undefined

/** Answers requests, and runs the job that an event names; whatever else comes is the minute's timer. */
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
 * The relay on the settings as they are now: another one once the secret has changed. One that serves is not replaced by
 * one that would not.
 */
async function current(): Promise<Relay> {
  try {
    const secret = await readSecret?.({ fresh: false })
    if (!opened || opened.secret !== secret) {
      const relay = open(secret)
      opened = { secret, relay: opened?.relay.serves && !relay.serves ? opened.relay : relay }
    }
    return opened.relay
  } catch (error) {
    const { errors = [] } = problemSeen(error, log).extras
    return { app: createApp({ settings: { errors }, log }), serves: false }
  }
}

function open(secret: Secret | undefined): Relay {
  const settings = parseSettings(process.env, {
    ...(secret && { secret: secret.settings }),
    required: ['CREATIONS_TABLE'],
  })
  if ('errors' in settings) return { app: createApp({ settings, log }), serves: false }
  const { table, credentials } = settings.value
  const store = dynamodbStore(dynamodb, table)
  const app = createApp({
    settings,
    store,
    log,
    transport,
    ...(readSecret && { credentials: async (options) => (await readSecret(options)).credentials }),
  })
  const warm = () =>
    Promise.allSettled([store.read(''), signature('', secret?.credentials ?? credentials)])
  return { app, serves: true, warm }
}

/** With a key pair in the environment the SDK of Secrets Manager is never loaded. */
async function secretReader(environment: Record<string, string | undefined>) {
  const { NCLOUD_SECRET_ID, NCLOUD_ACCESS_KEY, NCLOUD_SECRET_KEY } = environment
  if (!NCLOUD_SECRET_ID || NCLOUD_ACCESS_KEY || NCLOUD_SECRET_KEY) return undefined
  const { openSecret } = await import('./platform/aws/secrets.ts')
  return openSecret(NCLOUD_SECRET_ID, systemClock, log)
}

/**
 * Does once what the first request would do else: reads the secret, imports the key, connects to DynamoDB. INIT has a
 * whole CPU; an invocation has the share that its memory buys.
 */
async function warmUp() {
  const { app, warm } = await current()
  await app.fetch(new Request('https://relay/readyz'), { requestId: 'init' })
  // What fails here, or takes too long, does so again where it is answered for.
  await Promise.race([warm?.(), systemClock.sleep(WARM_UP_MS)])
}

await warmUp()

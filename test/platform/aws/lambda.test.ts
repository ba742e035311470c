import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, openGateway } from '../../gateway/gateway.ts'
import { secrets } from '../../support/canaries.ts'
import { openLocalServer } from '../../support/local-server.ts'
import { environmentFor, smallest } from '../../support/relay.ts'
import { whyNoDynamodbLocal } from './dynamodb-local.ts'
import { FunctionError } from './lambda.ts'
import { type Aws, type LambdaDoor, openAws, openLambdaDoor } from './lambda-door.ts'

const create = 'createServerImageFromSnapshot'

/** Timer events as AWS documents them: EventBridge Scheduler with our own input, an EventBridge rule, the console. */
const timers = [
  { tick: '2026-11-22T00:00:00Z' },
  {
    version: '0',
    id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: '123456789012',
    time: '2015-10-08T16:53:06Z',
    region: 'us-east-1',
    resources: ['arn:aws:events:us-east-1:123456789012:rule/my-scheduled-rule'],
    detail: {},
  },
  {},
]

const missing = whyNoDynamodbLocal()
let aws: Aws
let gateway: Gateway
let names = 0

const made = (name: string) => gateway.images.all().filter((image) => image.name === name).length
const post = (door: LambdaDoor, body: object) =>
  door.request('/v1/server-images', { method: 'POST', body })
const fresh = () => ({ ...smallest, name: `lambda-${++names}` })

/** Stores a secret with a key pair and returns its id. */
function secretOf({ accessKey, secretKey } = secrets) {
  const id = `relay-${aws.secretsManager.secrets.size}`
  aws.secretsManager.secrets.set(id, JSON.stringify({ accessKey, secretKey }))
  return id
}

function withSecret(NCLOUD_SECRET_ID: string) {
  const { NCLOUD_ACCESS_KEY, NCLOUD_SECRET_KEY, ...settings } = environmentFor(gateway.origin)
  return { ...settings, NCLOUD_SECRET_ID }
}

describe.skipIf(missing)('the function', () => {
  beforeAll(async () => {
    aws = await openAws()
    gateway = await openGateway({ ...secrets, readyAfterMs: 0 })
  })
  afterAll(async () => {
    await gateway?.close()
    await aws?.close()
  })

  test.each(timers)('runs a tick for %j', async (event) => {
    const door = await openLambdaDoor(aws, 'an HTTP API', environmentFor(gateway.origin))
    const body = fresh()
    // The fault has a Retry-After of 1 s.
    gateway.inject({ fault: 'throttled', action: create, of: body.name })
    expect((await post(door, body)).json.status).toBe('accepted')
    await sleep(1_500)
    expect(await door.lambda.invoke(event)).toBeNull()
    const [operation] = (await door.request('/v1/operations')).json.items
    expect([operation.status, operation.history.at(-1).actor, made(body.name)]).toEqual([
      'ready',
      'tick',
      1,
    ])
    await door.close()
  })

  test('fails a tick with only a code if settings are faulty', async () => {
    const door = await openLambdaDoor(aws, 'an HTTP API', { NCLOUD_SITE: 'CANARYsite' })
    const error: FunctionError = await door.lambda.invoke({}).then(null, (reason) => reason)
    expect(error).toBeInstanceOf(FunctionError)
    expect(JSON.parse(error.message)).toMatchObject({
      errorType: 'Error',
      errorMessage: 'The tick failed: not-configured',
    })
    await door.close()
    expect(door.output()).not.toContain('CANARYsite')
  })

  test('fails a tick without AWS’s message if the table does not exist', async () => {
    const environment = { ...environmentFor(gateway.origin), RELAY_TABLE: 'CANARYtable' }
    const door = await openLambdaDoor(aws, 'an HTTP API', environment)
    const error: FunctionError = await door.lambda.invoke({}).then(null, (reason) => reason)
    expect(JSON.parse(error.message).errorMessage).toBe('The tick failed: store-unavailable')
    const { status, json } = await door.request('/v1/operations')
    expect([status, json.code]).toEqual([503, 'store-unavailable'])
    await door.close()
    expect(door.output()).toMatch(/"event":"store".*"reason":"ResourceNotFoundException"/)
    expect(door.output()).not.toMatch(/CANARYtable|non-existent/)
  })

  test('starts no attempt that Lambda’s timeout would cut off', async () => {
    const timeoutMs = 6_000
    const door = await openLambdaDoor(aws, 'an HTTP API', environmentFor(gateway.origin), timeoutMs)
    const body = fresh()
    const { status, json } = await post(door, body)
    expect([status, json.status, json.attempt, made(body.name)]).toEqual([202, 'accepted', 0, 0])
    await door.close()
  })

  test('reads its secret once per sandbox, before the first request', async () => {
    const door = await openLambdaDoor(aws, 'an HTTP API', withSecret(secretOf()))
    const before = aws.secretsManager.reads.length
    await Promise.all([1, 2, 3].map(() => door.request('/v1/images/12341457')))
    const sandboxes = door.lambda.sandboxes()
    for (let i = 0; i < 20; i++) await door.request('/v1/images/12341457')
    expect(door.lambda.sandboxes()).toBe(sandboxes)
    expect(aws.secretsManager.reads.length - before).toBe(sandboxes)
    await door.close()
  })

  test('uses two sandboxes for two concurrent invocations', async () => {
    const door = await openLambdaDoor(aws, 'an HTTP API', environmentFor(gateway.origin))
    await door.lambda.invoke({})
    expect(await Promise.all([door.lambda.invoke({}), door.lambda.invoke({})])).toEqual([
      null,
      null,
    ])
    expect(door.lambda.sandboxes()).toBe(2)
    await door.close()
  })

  test('uses the request id of AWS', async () => {
    const door = await openLambdaDoor(aws, 'an HTTP API', environmentFor(gateway.origin))
    const { headers, json } = await door.request('/v1/images/99')
    const [requestId] = door.lambda.requestIds
    expect([headers.get('x-request-id'), json.requestId]).toEqual([requestId, requestId])
    await door.close()
    expect(door.output()).toContain(`"event":"request","requestId":"${requestId}"`)
  })

  test('sends a request to itself before the first one', async () => {
    const door = await openLambdaDoor(aws, 'an HTTP API', environmentFor(gateway.origin))
    await door.request('/healthz')
    const [first, second] = door
      .output()
      .split('\n', 2)
      .map((line) => JSON.parse(line).requestId)
    expect(first).toBe('init')
    expect(second).toMatch(/^[0-9a-f-]{36}$/)
    await door.close()
  })

  test('remembers the gateway’s clock from one invocation to the next', async () => {
    const early = await openGateway({ ...secrets, now: () => Date.now() + 600_000 })
    const settings = { ...withSecret(secretOf()), NCLOUD_API_GW: early.origin }
    const door = await openLambdaDoor(aws, 'an HTTP API', settings)
    for (let i = 0; i < 3; i++) {
      expect((await door.request('/v1/server-images/12341457')).status).toBe(200)
    }
    // The first signature is too old for the gateway's clock. After that the relay knows the clock.
    expect(early.received.map(({ refusal }) => refusal)).toEqual(['401/200', null, null, null])
    await door.close()
    await early.close()
  })

  test('starts without its secret, reports that, and serves once the secret exists', async () => {
    const id = 'relay-late'
    const door = await openLambdaDoor(aws, 'an HTTP API', withSecret(id))
    const ready = await door.request('/readyz', { as: '' })
    expect([ready.status, ready.json.errors]).toEqual([
      503,
      [{ path: 'NCLOUD_SECRET_ID', message: 'cannot be read: ResourceNotFoundException' }],
    ])
    expect((await door.request('/healthz', { as: '' })).status).toBe(200)
    const { accessKey, secretKey } = secrets
    aws.secretsManager.secrets.set(id, JSON.stringify({ accessKey, secretKey }))
    expect((await door.request('/v1/images/12341457')).status).toBe(200)
    await door.close()
  })

  test('uses a new pair when the old one is refused', { timeout: 60_000 }, async () => {
    const exchanging = await openGateway({ ...secrets, readyAfterMs: 0 })
    const next = { accessKey: `${secrets.accessKey}B`, secretKey: `${secrets.secretKey}B` }
    const id = secretOf()
    const settings = { ...withSecret(id), NCLOUD_API_GW: exchanging.origin }
    const door = await openLambdaDoor(aws, 'an HTTP API', settings)
    const sixAtOnce = async () => {
      const requests = Array.from({ length: 6 }, () => door.request('/v1/images/12341457'))
      const answers = await Promise.all(requests)
      expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
    }
    await sixAtOnce()
    const [sandboxes, before] = [door.lambda.sandboxes(), aws.secretsManager.reads.length]
    // The secret is read at most once in 30 s.
    await sleep(31_000)
    // A wrong setting next to the new pair must not stop a relay that serves.
    aws.secretsManager.secrets.set(id, JSON.stringify({ ...next, NCLOUD_SITE: 'CANARY' }))
    exchanging.rotate(next.accessKey, next.secretKey)
    for (let times = 0; times < 5; times++) await sixAtOnce()
    expect((await post(door, fresh())).status).toBe(201)
    expect(door.lambda.sandboxes()).toBe(sandboxes)
    expect(aws.secretsManager.reads.length - before).toBeLessThanOrEqual(sandboxes)
    await door.close()
    expect(door.output()).toMatch(
      /"event":"settings","code":"NCLOUD_SITE","detail":"must be one of/,
    )
    expect(door.output()).not.toContain('CANARY')
    await exchanging.close()
  })

  test('uses exactly the permissions of its policy', async () => {
    const calls = await openRecorder(aws.dynamodb.endpoint)
    const environment = {
      ...withSecret(secretOf()),
      AWS_ENDPOINT_URL_DYNAMODB: calls.endpoint,
    }
    const before = aws.secretsManager.reads.length
    const door = await openLambdaDoor(aws, 'an HTTP API', environment)
    const body = fresh()
    const { headers } = await post(door, body)
    await door.request('/v1/server-images', { method: 'POST', body, as: 'other' })
    await door.request(headers.get('location') ?? '')
    await door.request('/v1/operations?status=pending')
    await door.request('/v1/operations', { as: 'admin' })
    await door.lambda.invoke({})
    await door.close()
    calls.close()
    const read = aws.secretsManager.reads.length - before
    const done = new Set([...calls.actions, ...(read ? ['secretsmanager:GetSecretValue'] : [])])
    const allowed = JSON.stringify(aws.template.Resources.IamRoleLambdaExecution)
      .match(/(dynamodb|secretsmanager):[A-Z]\w+/g)
      ?.toSorted()
    expect([...done].sort()).toEqual(allowed)
  })
})

/** Opens a proxy to DynamoDB that records the permissions that each call needs. */
async function openRecorder(endpoint: string) {
  const actions = new Set<string>()
  const { url, close } = await openLocalServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    for (const action of permissionsOf(String(request.headers['x-amz-target']), body)) {
      actions.add(`dynamodb:${action}`)
    }
    const { host, connection, 'content-length': _, ...headers } = request.headers
    const init = { method: 'POST', headers: headers as Record<string, string>, body }
    const answer = await fetch(endpoint, init)
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' })
    response.end(await answer.text())
  })
  return { endpoint: url, actions, close }
}

/**
 * Returns the permissions that a call needs; a transaction needs those of its parts.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
 */
function permissionsOf(target: string, body: string): string[] {
  const operation = target.split('.')[1] ?? ''
  if (operation !== 'TransactWriteItems') return [operation]
  const parts: object[] = JSON.parse(body).TransactItems
  return parts.flatMap((part) => Object.keys(part).map((kind) => `${kind}Item`))
}

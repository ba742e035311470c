import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { unzipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TABLE_SCHEMA } from '../../../functions/platform/aws/table.ts'
import { faultsOf, type Resource, type Template } from './cloudformation.ts'
import { packageService } from './osls.ts'

interface Statement {
  Effect: string
  Action: string | string[]
  Resource: unknown
}

const MAX_BYTES = 250_000
const LOGS = 'arn:{AWS::Partition}:logs:{AWS::Region}:{AWS::AccountId}:log-group:/aws/lambda'
const SECRETS = 'arn:{AWS::Partition}:secretsmanager:{AWS::Region}:{AWS::AccountId}:secret'

const run = promisify(execFile)

let folder: string
let template: Template
let artifact: Uint8Array

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'osls-'))
  const packaged = await packageService(join(folder, 'prod'))
  template = packaged.template
  artifact = await readFile(packaged.artifact)
})
afterAll(() => rm(folder, { recursive: true }))

function resource(id: string, { Resources } = template): Resource {
  const found = Resources[id]
  if (!found) throw new Error(`The template has no ${id}`)
  return found
}

function ofType(type: string): Resource[] {
  return Object.values(template.Resources).filter(({ Type }) => Type === type)
}

/** Returns the permissions of a role, as `Allow ACTION on RESOURCE`. */
function grants(id: string, of = template): string[] {
  const { Policies, ManagedPolicyArns } = resource(id, of).Properties as {
    Policies: { PolicyDocument: { Statement: Statement[] } }[]
    ManagedPolicyArns?: string[]
  }
  expect(ManagedPolicyArns).toBeUndefined()
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .flatMap(({ Effect, Action, Resource, ...more }) => {
      expect(more).toEqual({})
      const resources = [Resource].flat().map(readable)
      return [Action]
        .flat()
        .flatMap((action) => resources.map((on) => `${Effect} ${action} on ${on}`))
    })
    .sort()
}

/** Writes `{ 'Fn::GetAtt': ['Table', 'Arn'] }` as `{Table.Arn}`, and a substitution as its text with `{Table.Arn}`. */
function readable(value: unknown): unknown {
  const { 'Fn::GetAtt': attribute, 'Fn::Sub': text } = value as Record<string, string | string[]>
  if (Array.isArray(attribute)) return `{${attribute.join('.')}}`
  return typeof text === 'string' ? text.replaceAll('${', '{') : JSON.stringify(value)
}

describe('the template', () => {
  test('has no fault by the specification of AWS', () => {
    expect(faultsOf(template)).toEqual([])
  })

  const target = { Arn: 'arn', RoleArn: 'arn' }
  test.each([
    ['TickSchedule.Properties.Schedule: unknown', { Schedule: 'rate(1 minute)' }],
    [
      'TickSchedule.Properties.Target.RetryPolicy.Attempts: unknown',
      { Target: { ...target, RetryPolicy: { Attempts: 0 } } },
    ],
    ['TickSchedule.Properties.ScheduleExpression: missing', { ScheduleExpression: undefined }],
    ['TickSchedule.Properties.FlexibleTimeWindow.Mode: missing', { FlexibleTimeWindow: {} }],
    [
      'TickSchedule.Properties.FlexibleTimeWindow: no FlexibleTimeWindow',
      { FlexibleTimeWindow: 'OFF' },
    ],
    ['TickSchedule.Properties.Name: no string', { Name: 1 }],
    ['TickSchedule.Properties.State: not PAUSED', { State: 'PAUSED' }],
    ['TickSchedule.Properties.Name: no Nowhere', { Name: { Ref: 'Nowhere' } }],
    ['TickSchedule.Properties.Name: no AWS::Nowhere', { Name: { Ref: 'AWS::Nowhere' } }],
    [
      'TickSchedule.Properties.Name: no Nowhere.Arn',
      { Name: { 'Fn::GetAtt': ['Nowhere', 'Arn'] } },
    ],
    [
      'TickSchedule.Properties.Name: no FailedTicks.Url',
      { Name: { 'Fn::GetAtt': 'FailedTicks.Url' } },
    ],
    [
      'TickSchedule.Properties.Name: no Nowhere.Arn',
      { Name: { 'Fn::Sub': [`\${!literal}-\${own}-\${Nowhere.Arn}`, { own: 'x' }] } },
    ],
    ['FailedTicks.Properties.DelaySeconds: no integer', { DelaySeconds: '1 minute' }],
    ['FailedTicks.Properties.FifoQueue: no boolean', { FifoQueue: 'no' }],
    ['TickScheduleRole.Properties.ManagedPolicyArns: no array', { ManagedPolicyArns: 'arn' }],
    [
      'HttpLambdaFunction.Properties.Environment.Variables: no map',
      { Environment: { Variables: [] } },
    ],
    ['OperationsTable.Properties.KeySchema: no union', { KeySchema: 'pk' }],
  ])('fails the check with %s', (fault, properties) => {
    const id = fault.slice(0, fault.indexOf('.'))
    const { Properties, ...rest } = resource(id)
    const planted = { ...rest, Properties: { ...Properties, ...properties } }
    const Resources = { ...template.Resources, [id]: planted }
    // JSON leaves out undefined properties.
    expect(faultsOf(JSON.parse(JSON.stringify({ Resources })))).toEqual([fault])
  })

  test('fails the check with an unknown type, dependency or output', () => {
    const DependsOn = ['FailedTicks', 'Nowhere']
    const Resources = { ...template.Resources, Odd: { Type: 'AWS::SQS::Queues', DependsOn } }
    const Outputs = { Odd: { Value: { Ref: 'Nowhere' } } }
    expect(faultsOf({ Resources, Outputs })).toEqual([
      'Odd.Type: unknown AWS::SQS::Queues',
      'Odd.DependsOn: no Nowhere',
      'Outputs.Odd.Value: no Nowhere',
    ])
  })

  test('creates only the expected resources', () => {
    expect(
      Object.values(template.Resources)
        .map(({ Type }) => Type)
        .sort(),
    ).toEqual([
      'AWS::ApiGatewayV2::Api',
      'AWS::ApiGatewayV2::Integration',
      'AWS::ApiGatewayV2::Route',
      'AWS::ApiGatewayV2::Stage',
      'AWS::DynamoDB::Table',
      'AWS::IAM::Role',
      'AWS::IAM::Role',
      'AWS::Lambda::EventInvokeConfig',
      'AWS::Lambda::Function',
      'AWS::Lambda::Function',
      'AWS::Lambda::Permission',
      'AWS::Logs::LogGroup',
      'AWS::Logs::LogGroup',
      'AWS::S3::Bucket',
      'AWS::S3::BucketPolicy',
      'AWS::SQS::Queue',
      'AWS::Scheduler::Schedule',
    ])
  })
})

describe('the artifact', () => {
  test('contains only dist/lambda.mjs, in at most 250 kB', () => {
    expect(Object.keys(unzipSync(artifact))).toEqual(['dist/lambda.mjs'])
    expect(artifact.byteLength).toBeLessThanOrEqual(MAX_BYTES)
  })

  // Lambda refuses a third parameter, the callback, since Node.js 24.
  // Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
  test('exports the handler of both functions', async () => {
    const handlers = ofType('AWS::Lambda::Function').map(({ Properties }) => Properties?.Handler)
    expect(handlers).toEqual(['dist/lambda.handler', 'dist/lambda.handler'])
    const file = join(folder, 'unzipped/dist/lambda.mjs')
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, unzipSync(artifact)['dist/lambda.mjs'] ?? '')
    // Standard output contains the relay's log.
    const script = `
      const { handler } = await import('${pathToFileURL(file)}')
      console.error(typeof handler, handler.length)`
    const node = ['--input-type=module', '--eval', script]
    const { stderr } = await run(process.execPath, node, { env: {} })
    expect(stderr).toMatch(/^function [012]\n$/)
  })
})

describe('the table', () => {
  test('has the schema of the store, with recovery and deletion protection', () => {
    expect(resource('OperationsTable').Properties).toEqual({
      ...TABLE_SCHEMA,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: true,
    })
  })

  test('is retained when the stack is deleted or the table is replaced', () => {
    const { DeletionPolicy, UpdateReplacePolicy } = resource('OperationsTable')
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['Retain', 'Retain'])
  })
})

describe('the functions', () => {
  // HTTP APIs end an integration after 30 s. The relay uses 25 s for a request and 50 s for a tick, and keeps a margin
  // of 2 s. Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
  test.each([
    ['http', 'HttpLambdaFunction', 29],
    ['tick', 'TickLambdaFunction', 60],
  ])('%s runs on Node.js 24 and arm64 with enough time', (name, id, Timeout) => {
    expect(resource(id).Properties).toMatchObject({
      FunctionName: `ncloud-image-relay-prod-${name}`,
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      MemorySize: 512,
      Timeout,
    })
  })

  test('get only the names of the secret and of the table', () => {
    for (const { Properties } of ofType('AWS::Lambda::Function')) {
      expect(Properties?.Environment).toEqual({
        Variables: {
          NCLOUD_SECRET_ID: 'ncloud-image-relay/prod',
          RELAY_TABLE: { Ref: 'OperationsTable' },
        },
      })
    }
    // CloudFormation would replace a dynamic reference by the secret value in the function's environment.
    expect(JSON.stringify(template)).not.toMatch(/resolve:|SecretString|access_?key|secret_?key/i)
  })

  // The store needs the actions that it calls: for a transaction those of its parts, for an index only Query. Lambda
  // needs logs:* and, for the destination, sqs:SendMessage. osls adds logs:TagResource. Sources:
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
  // https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html
  // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaBasicExecutionRole.html
  // https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
  test('have only the permissions that they need', () => {
    expect(grants('IamRoleLambdaExecution')).toEqual([
      'Allow dynamodb:GetItem on {OperationsTable.Arn}',
      'Allow dynamodb:PutItem on {OperationsTable.Arn}',
      'Allow dynamodb:Query on {OperationsTable.Arn}/index/*',
      'Allow dynamodb:UpdateItem on {OperationsTable.Arn}',
      `Allow logs:CreateLogGroup on ${LOGS}/ncloud-image-relay-prod*:*`,
      `Allow logs:CreateLogStream on ${LOGS}/ncloud-image-relay-prod*:*`,
      `Allow logs:PutLogEvents on ${LOGS}/ncloud-image-relay-prod*:*:*`,
      `Allow logs:TagResource on ${LOGS}/ncloud-image-relay-prod*:*`,
      `Allow secretsmanager:GetSecretValue on ${SECRETS}:ncloud-image-relay/prod-??????`,
      'Allow sqs:SendMessage on {FailedTicks.Arn}',
    ])
  })

  test('have a role that only Lambda may assume', () => {
    for (const { Properties } of ofType('AWS::Lambda::Function')) {
      expect(Properties?.Role).toEqual({ 'Fn::GetAtt': ['IamRoleLambdaExecution', 'Arn'] })
    }
    expect(resource('IamRoleLambdaExecution').Properties?.AssumeRolePolicyDocument).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['sts:AssumeRole'],
          Principal: { Service: ['lambda.amazonaws.com'] },
        },
      ],
    })
  })

  test('keep their logs for 30 days', () => {
    expect(ofType('AWS::Logs::LogGroup').map(({ Properties }) => Properties)).toEqual([
      { LogGroupName: '/aws/lambda/ncloud-image-relay-prod-http', RetentionInDays: 30 },
      { LogGroupName: '/aws/lambda/ncloud-image-relay-prod-tick', RetentionInDays: 30 },
    ])
  })

  test('use the secret that the parameter names', async () => {
    const options = ['--stage', 'trial', '--param', 'secret=elsewhere']
    const trial = (await packageService(join(folder, 'trial'), ...options)).template
    expect(resource('HttpLambdaFunction', trial).Properties?.Environment).toMatchObject({
      Variables: { NCLOUD_SECRET_ID: 'elsewhere' },
    })
    const granted = `Allow secretsmanager:GetSecretValue on ${SECRETS}:elsewhere-??????`
    expect(grants('IamRoleLambdaExecution', trial)).toContain(granted)
  })
})

describe('the HTTP API', () => {
  test('passes every request to one function, and does not configure CORS', () => {
    expect(resource('HttpApi').Properties).toEqual({
      Name: 'prod-ncloud-image-relay',
      ProtocolType: 'HTTP',
    })
    expect(resource('HttpApiRouteDefault').Properties).toMatchObject({ RouteKey: '$default' })
    expect(resource('HttpApiIntegrationHttp').Properties).toMatchObject({
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: { 'Fn::GetAtt': ['HttpLambdaFunction', 'Arn'] },
      PayloadFormatVersion: '2.0',
    })
  })

  test('limits requests, so that nobody can use up the concurrency of the account', () => {
    expect(resource('HttpApiStage').Properties).toMatchObject({
      StageName: '$default',
      DefaultRouteSettings: { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 },
    })
  })

  test('is the only service with a permission to invoke the function', () => {
    expect(ofType('AWS::Lambda::Permission').map(({ Properties }) => Properties)).toEqual([
      {
        FunctionName: { 'Fn::GetAtt': ['HttpLambdaFunction', 'Arn'] },
        Action: 'lambda:InvokeFunction',
        Principal: 'apigateway.amazonaws.com',
        SourceArn: { 'Fn::Join': ['', expect.arrayContaining([{ Ref: 'HttpApi' }])] },
      },
    ])
  })
})

describe('the tick', () => {
  // Source: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
  test('runs every minute', () => {
    expect(resource('TickSchedule').Properties).toEqual({
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: { 'Fn::GetAtt': ['TickLambdaFunction', 'Arn'] },
        RoleArn: { 'Fn::GetAtt': ['TickScheduleRole', 'Arn'] },
        Input: '{"tick":"<aws.scheduler.scheduled-time>"}',
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
        DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['FailedTicks', 'Arn'] } },
      },
    })
  })

  // Lambda's default is two retries, within six hours.
  // Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
  test('is not retried, and is kept for 14 days if it fails', () => {
    expect(resource('TickLambdaEvConf').Properties).toEqual({
      FunctionName: { Ref: 'TickLambdaFunction' },
      Qualifier: '$LATEST',
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': ['FailedTicks', 'Arn'] } },
      },
    })
    expect(resource('FailedTicks').Properties).toEqual({
      MessageRetentionPeriod: 14 * 24 * 60 * 60,
      SqsManagedSseEnabled: true,
    })
  })

  // Sources: https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
  // https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
  test('is sent by a separate role with no other permissions', () => {
    expect(grants('TickScheduleRole')).toEqual([
      'Allow lambda:InvokeFunction on {TickLambdaFunction.Arn}',
      'Allow sqs:SendMessage on {FailedTicks.Arn}',
    ])
    expect(resource('TickScheduleRole').Properties?.AssumeRolePolicyDocument).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 'sts:AssumeRole',
          Principal: { Service: 'scheduler.amazonaws.com' },
          Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
        },
      ],
    })
  })
})

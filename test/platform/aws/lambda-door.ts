import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { unzipSync } from 'fflate'
import { expect } from 'vitest'
import { leakSearch } from '../../support/canaries.ts'
import { type Door, type Environment, requestBy } from '../../support/doors.ts'
import { leaksIn } from '../../support/relay.ts'
import type { Template } from './cloudformation.ts'
import { type DynamodbLocal, startDynamodbLocal } from './dynamodb-local.ts'
import { type Front, openFront } from './http-front.ts'
import { type Lambda, openLambda } from './lambda.ts'
import { packageService } from './osls.ts'
import { openSecretsManager, role, type SecretsManager } from './secrets-manager.ts'

const TIMEOUT_MS = 29_000
const roleLeaksIn = leakSearch(role)

/** The simulated AWS services and the packaged deployment. */
export interface Aws {
  dynamodb: DynamodbLocal
  secretsManager: SecretsManager
  template: Template
  /** The unpacked artifact of the deployment. */
  folder: string
  close(): Promise<void>
}

/** The relay as a Lambda function. */
export interface LambdaDoor extends Door {
  lambda: Lambda
}

/** Packages the service as a deployment does, and starts the AWS services that it needs. */
export async function openAws(): Promise<Aws> {
  const scratch = await mkdtemp(join(tmpdir(), 'aws-'))
  const [dynamodb, secretsManager, { template, artifact }] = await Promise.all([
    startDynamodbLocal(),
    openSecretsManager(),
    packageService(scratch),
  ])
  const folder = join(scratch, 'task')
  for (const [name, bytes] of Object.entries(unzipSync(await readFile(artifact)))) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), bytes)
  }
  return {
    dynamodb,
    secretsManager,
    template,
    folder,
    async close() {
      secretsManager.close()
      await dynamodb.close()
      await rm(scratch, { recursive: true })
    },
  }
}

/** Runs the deployed function behind an HTTP server, with a new table. */
export async function openLambdaDoor(
  aws: Aws,
  front: Front,
  environment: Environment,
  timeoutMs = TIMEOUT_MS,
): Promise<LambdaDoor> {
  const lambda = await openLambda({
    folder: aws.folder,
    handler: 'dist/lambda.handler',
    environment: {
      AWS_ACCESS_KEY_ID: role.accessKeyId,
      AWS_SECRET_ACCESS_KEY: role.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: aws.dynamodb.endpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.secretsManager.endpoint,
      RELAY_TABLE: await aws.dynamodb.openTable(role),
      ...(environment as Record<string, string>),
    },
    timeoutMs,
  })
  const { url, close } = await openFront(front, lambda)
  return {
    lambda,
    output: lambda.output,
    request: requestBy((path, init) => fetch(url + path, init)),
    async close() {
      close()
      await lambda.close()
      expect(leaksIn(lambda.output())).toEqual([])
      expect(roleLeaksIn(lambda.output())).toEqual([])
    },
  }
}

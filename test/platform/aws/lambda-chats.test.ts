import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { chatsSuite } from '../../conformance/chats-suite.ts'
import { writeElsewhere } from '../../support/elsewhere.ts'
import { whyNoDynamodbLocal } from './dynamodb-local.ts'
import { type Aws, openAws, openLambdaDoor } from './lambda-door.ts'

const missing = whyNoDynamodbLocal()
let aws: Aws

describe.skipIf(missing)('chats on Lambda', () => {
  beforeAll(async () => {
    aws = await openAws()
  })
  afterAll(() => aws?.close())

  describe('the function', () => {
    chatsSuite(async (environment, origins) => {
      const folder = await mkdtemp(join(tmpdir(), 'chats-'))
      const preloaded = await writeElsewhere(folder, origins)
      const door = await openLambdaDoor(aws, 'an HTTP API', {
        ...environment,
        NODE_OPTIONS: `--import ${preloaded}`,
      })
      const fire = async () => {
        expect(await door.lambda.invoke({ tick: '2026-11-22T00:00:00Z' })).toBeNull()
      }
      return { ...door, fire }
    })
  })
})

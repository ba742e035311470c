import { afterAll, beforeAll, describe } from 'vitest'
import { faultSuite } from '../../conformance/fault-suite.ts'
import { paritySuite } from '../../conformance/parity-suite.ts'
import { relaySuite } from '../../conformance/relay-suite.ts'
import {
  settingsSuite,
  type WrongSetting,
  wrongAnywhere,
  wrongTypes,
} from '../../conformance/settings-suite.ts'
import type { Environment } from '../../support/doors.ts'
import { whyNoDynamodbLocal } from './dynamodb-local.ts'
import type { Front } from './http-front.ts'
import { type Aws, openAws, openLambdaDoor } from './lambda-door.ts'

const VISIBLE = 'must be visible ASCII without spaces'
const TABLE = 'must be the name of a DynamoDB table'

/** The settings that are wrong only on Lambda. */
const wrongHere: WrongSetting[] = [
  ['RELAY_TABLE', '', 'is required'],
  ['RELAY_TABLE', 'CANARY table', TABLE],
]

/** The settings that are wrong in a secret. Faults of the key pair are reported with the path of the secret. */
const wrongInSecret: WrongSetting[] = [
  ...[...wrongAnywhere, ...wrongTypes].filter(
    ([name]) => !/_(ACCESS_KEY|SECRET_KEY|ID)$/.test(name),
  ),
  ['NCLOUD_ACCESS_KEY', undefined, 'is required', 'NCLOUD_SECRET_ID.accessKey'],
  ['NCLOUD_ACCESS_KEY', 1, 'must be a string', 'NCLOUD_SECRET_ID.accessKey'],
  ['NCLOUD_SECRET_KEY', 'CANARY key', VISIBLE, 'NCLOUD_SECRET_ID.secretKey'],
]

const missing = whyNoDynamodbLocal()
let aws: Aws

describe.skipIf(missing)('the relay on Lambda', () => {
  beforeAll(async () => {
    aws = await openAws()
  })
  afterAll(() => aws?.close())

  const openBehind = (front: Front) => (environment: Environment) =>
    openLambdaDoor(aws, front, environment)

  /** Opens the relay as `serverless.yml` does: with all settings in the secret that may be there. */
  const openWithSecret = async (environment: Environment) => {
    const { NCLOUD_ACCESS_KEY, NCLOUD_SECRET_KEY, ...settings } = environment
    const NCLOUD_SECRET_ID = `relay-${aws.secretsManager.secrets.size}`
    const pair = { accessKey: NCLOUD_ACCESS_KEY, secretKey: NCLOUD_SECRET_KEY }
    aws.secretsManager.secrets.set(NCLOUD_SECRET_ID, JSON.stringify({ ...pair, ...settings }))
    return openLambdaDoor(aws, 'an HTTP API', { NCLOUD_SECRET_ID })
  }

  describe('behind an HTTP API, with settings in a secret', () => {
    relaySuite(openWithSecret)
    paritySuite(openWithSecret)
    faultSuite(openWithSecret)
    settingsSuite(openWithSecret, wrongInSecret)
  })

  describe('behind a function URL, with settings in the environment', () => {
    relaySuite(openBehind('a function URL'))
    paritySuite(openBehind('a function URL'))
    settingsSuite(openBehind('a function URL'), [...wrongAnywhere, ...wrongHere])
  })
})

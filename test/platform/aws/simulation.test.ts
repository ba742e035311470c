import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dynamodbStore } from '../../../functions/platform/aws/dynamodb-store.ts'
import { raceSuite } from '../../shared/store/race-suite.ts'
import { campaign } from '../../simulation/campaign.ts'
import { sweep } from '../../simulation/crash-sweep.ts'
import { type DynamodbLocal, startDynamodbLocal, whyNoDynamodbLocal } from './dynamodb-local.ts'

const SCHEDULES = 1_000
/** The rounds of each race; 100 rounds take some minutes. */
const ROUNDS = Number(process.env.ROUNDS ?? 10)

let local: DynamodbLocal
const open = async () => dynamodbStore(local.client(), await local.openTable())

describe.skipIf(whyNoDynamodbLocal())('operations in DynamoDB', () => {
  beforeAll(async () => {
    local = await startDynamodbLocal()
  })
  afterAll(() => local.close())

  test(`survive ${SCHEDULES} schedules`, async () => {
    const { faults, tally } = await campaign(0, SCHEDULES, open)
    console.log('DynamoDB', JSON.stringify(tally))
    expect(faults).toEqual([])
  })

  test('survive a crash at each step of a create and at each pair of steps', async () => {
    const { faults, ...counts } = await sweep('made, answer lost', open)
    console.log('DynamoDB', JSON.stringify(counts))
    expect(faults).toEqual([])
  })

  raceSuite(open, ROUNDS)
})

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jobsSuite, nameAt, openStory } from '../../conformance/jobs-suite.ts'
import { leaksIn } from '../../support/relay.ts'
import { whyNoDynamodbLocal } from './dynamodb-local.ts'
import { FunctionError } from './lambda.ts'
import { type Aws, type LambdaDoor, openAws, openLambdaDoor } from './lambda-door.ts'

/** The timer events of each minute, as AWS documents them. */
const timers = {
  'an EventBridge rule': {
    version: '0',
    id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: '123456789012',
    time: '2020-02-02T12:34:56Z',
    region: 'us-east-2',
    resources: ['arn:aws:events:us-east-2:123456789012:rule/my-rule'],
    detail: {},
  },
  'EventBridge Scheduler': { tick: '2026-11-22T00:00:00Z' },
}

const MINUTE = 60_000
const tick = timers['EventBridge Scheduler']
const run = { job: 'nightly-web', scheduledAt: '2026-11-22T03:30:00Z' }
const schedule = 'arn:aws:scheduler:ap-northeast-2:123456789012:schedule/default/nightly-web'

/** The events of one run of a job, as EventBridge Scheduler sends it first and again. */
const runs: [label: string, object, object][] = [
  ['the job and its time', run, run],
  [
    'the job, its time and further fields',
    { kind: 'ncp-relay.job', ...run, schedule, attempt: '1' },
    { kind: 'ncp-relay.job', ...run, schedule, attempt: '2' },
  ],
]

const missing = whyNoDynamodbLocal()
let aws: Aws

describe.skipIf(missing).concurrent('jobs on Lambda', () => {
  beforeAll(async () => {
    aws = await openAws()
  })
  afterAll(() => aws?.close())

  describe.each(Object.entries(timers))('the function with the timer of %s', (_, event) => {
    jobsSuite(async (environment) => {
      const door = await openLambdaDoor(aws, 'an HTTP API', environment)
      const { invoke } = door.lambda
      // Each event is delivered twice.
      const fire = async () => {
        expect(await Promise.all([invoke(event), invoke(event)])).toEqual([null, null])
      }
      return { ...door, fire }
    })
  })

  describe('the function invoked for one run', () => {
    let story: Story
    beforeAll(async () => {
      story = await openStory()
    })
    afterAll(() => story.close())

    test.each(runs)('creates one image for repeated events with %s', async (_, first, second) => {
      const { story, door, close } = await openOwn()
      const { invoke } = door.lambda
      expect(await Promise.all([invoke(first), invoke(first)])).toEqual([null, null])
      expect(await invoke(second)).toBeNull()
      await expectOne('web-261122-1230', story, door)
      await close()
    })

    test('creates one image for a minute that the timer runs too', async () => {
      const { story, door, close } = await openOwn()
      const { invoke } = door.lambda
      await invoke(tick)
      const next = Date.now() - (Date.now() % MINUTE) + MINUTE
      const event = { ...run, scheduledAt: new Date(next).toISOString() }
      await invoke(event)
      await sleep(next - Date.now() + 100)
      expect(await Promise.all([invoke(tick), invoke(event)])).toEqual([null, null])
      await expectOne(nameAt(next), story, door)
      await close()
    })

    test.each([
      ['job-not-found', { ...run, job: 'CANARYjob' }],
      ['job-not-found', { ...run, job: '' }],
      ['invalid-input', { ...run, scheduledAt: 'CANARY' }],
      ['invalid-input', { ...run, scheduledAt: '2026-11-22' }],
      ['invalid-input', { ...run, scheduledAt: '2026-11-22T03:30:00' }],
      ['invalid-input', { ...run, scheduledAt: '2026-11-32T03:30:00Z' }],
      ['invalid-input', { ...run, scheduledAt: '2026-02-30T03:30:00Z' }],
      ['invalid-input', { ...run, scheduledAt: '<aws.scheduler.scheduled-time>' }],
      ['invalid-input', { ...run, scheduledAt: 1_795_318_200_000 }],
      ['invalid-input', { job: run.job }],
    ])('fails with only the code %s for %j', async (code, event) => {
      const door = await openLambdaDoor(aws, 'an HTTP API', story.environment)
      const error: FunctionError = await door.lambda.invoke(event).then(null, (reason) => reason)
      expect(error).toBeInstanceOf(FunctionError)
      expect(JSON.parse(error.message)).toMatchObject({
        errorType: 'Error',
        errorMessage: `The run failed: ${code}`,
      })
      expect(story.images()).toEqual([])
      await door.close()
      expect(error.message + door.output()).not.toContain('CANARY')
      expect(leaksIn(error.message)).toEqual([])
    })
  })
})

type Story = Awaited<ReturnType<typeof openStory>>

/** Opens a function with a new gateway and new targets. */
async function openOwn() {
  const story = await openStory()
  const door = await openLambdaDoor(aws, 'an HTTP API', story.environment)
  const close = async () => {
    await door.close()
    await story.close()
  }
  return { story, door, close }
}

async function expectOne(name: string, story: Story, door: LambdaDoor) {
  expect(story.images().map((image) => image.name)).toEqual([name])
  expect(story.creates()).toHaveLength(1)
  const { json } = await door.request('/v1/operations', { as: 'admin' })
  expect(json.items).toHaveLength(1)
}

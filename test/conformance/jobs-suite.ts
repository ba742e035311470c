import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openGateway } from '../gateway/gateway.ts'
import { koreanDate } from '../gateway/shelf.ts'
import { secrets } from '../support/canaries.ts'
import type { Door, Environment } from '../support/doors.ts'
import { environmentFor } from '../support/relay.ts'
import { listenerNames, openStoryReceiver, targetLeaksIn } from '../support/story-receiver.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
/** The time for further ticks, which must not notify anybody again. */
const AFTERWARDS_MS = 5 * SECOND

const create = 'createServerImageFromSnapshot'
/** The storage whose latest snapshot the job uses. */
const latestSnapshotOf = '12340001'

const job = {
  name: 'nightly-web',
  cron: '* * * * *',
  timeZone: 'Asia/Seoul',
  image: { name: 'web-{yyMMdd}-{HHmm}', storages: [{ latestSnapshotOf }] },
  notify: listenerNames,
}

/** A relay with a timer. `fire` is there if the timer does not fire by itself. */
export interface TimedDoor extends Door {
  fire?(): Promise<unknown>
}

/** Opens a gateway with a snapshot of today and a receiver of notifications, for a relay with a job. */
export async function openStory() {
  const gateway = await openGateway({ ...secrets, readyAfterMs: 2 * SECOND })
  const snapshot = gateway.snapshots.add({ originalStorageNo: latestSnapshotOf })
  const receiver = await openStoryReceiver()
  return {
    snapshot,
    receiver,
    environment: environmentFor(gateway.origin, {
      RELAY_JOBS: JSON.stringify([job]),
      RELAY_NOTIFY: JSON.stringify(receiver.targets),
    }),
    /** The job's images in order of operation. */
    images: () => gateway.images.all().filter(({ name }) => name.startsWith('web-')),
    /** The create requests that have arrived. */
    creates: () => gateway.received.filter(({ action }) => action === create),
    async close() {
      receiver.close()
      await gateway.close()
    },
  }
}

/** Tests that the timer of a platform runs a job. */
export function jobsSuite(open: (environment: Environment) => Promise<TimedDoor>) {
  let story: Awaited<ReturnType<typeof openStory>>
  let door: TimedDoor
  let openedAt: number
  beforeAll(async () => {
    story = await openStory()
    openedAt = Date.now()
    door = await open(story.environment)
  })
  afterAll(async () => {
    await door?.close()
    await story.close()
    expect(targetLeaksIn(door?.output() ?? '')).toEqual([])
  })

  /** Fires the timer once a second until a condition holds. */
  async function fireUntil(holds: () => boolean) {
    for (; !holds(); await sleep(SECOND)) await door.fire?.()
  }

  test('runs a job once a minute, and notifies each of four targets once of its image', async () => {
    const { receiver, snapshot, images, creates } = story
    const notified = () => new Set(images().slice(0, 1).flatMap(receiver.whoHeardOf))
    await fireUntil(() => notified().size === listenerNames.length)
    const end = Date.now() + AFTERWARDS_MS
    await fireUntil(() => Date.now() > end)
    const { json } = await door.request(`/v1/jobs/${job.name}`)
    const [made, sent, runs] = [images(), creates(), json.lastRuns]

    const names = made.map(({ name }) => name)
    expect(sent.map(({ at }) => nameAt(at))).toEqual(names)
    expect(sent.map(({ parameters }) => parameters.serverImageName)).toEqual(names)
    const snapshotNos = sent.map(
      ({ parameters }) => parameters['blockStorageList.1.snapshotInstanceNo'],
    )
    expect(snapshotNos).toEqual(sent.map(() => snapshot.no))
    const minutes = sent.map(({ at }) => at - (at % MINUTE))
    expect(minutes).toEqual([...new Set(minutes)])

    const [first, ...later] = made
    const [minute = 0] = minutes
    if (!first) throw new Error('No image was made')
    // No run belongs to a minute that began before the relay first saw the job.
    expect(minute).toBeGreaterThan(openedAt)
    for (const listener of listenerNames) receiver.expectTold(listener, first, job.name)
    for (const image of later) {
      const who = receiver.whoHeardOf(image)
      expect(who).toEqual([...new Set(who)])
    }
    expect(receiver.count()).toBe(made.flatMap(receiver.whoHeardOf).length)

    const times = runs.map(({ scheduledAt }: { scheduledAt: string }) => scheduledAt)
    expect(times).toEqual([...new Set(times)])
    expect(runs.at(-1)).toMatchObject({
      scheduledAt: koreanDate(minute).replace('+0900', '+09:00'),
      operation: {
        status: 'ready',
        name: first.name,
        image: { imageNo: first.no, phase: 'ready' },
      },
    })
  })
}

/** Returns the expected name of the job's image for a time, by Seoul's clocks. */
export function nameAt(at: number): string {
  const [date = '', time = ''] = koreanDate(at).split('T')
  return `web-${date.slice(2).replaceAll('-', '')}-${time.slice(0, 5).replace(':', '')}`
}

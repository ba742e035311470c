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
/** Long enough for the ticks after the story, in which nothing may be told again. */
const AFTERWARDS_MS = 5 * SECOND

const create = 'createServerImageFromSnapshot'
/** The storage that the job makes images of. */
const latestSnapshotOf = '12340001'

const job = {
  name: 'nightly-web',
  cron: '* * * * *',
  timeZone: 'Asia/Seoul',
  image: { name: 'web-{yyMMdd}-{HHmm}', storages: [{ latestSnapshotOf }] },
  notify: listenerNames,
}

/** A relay with a timer; one that does not fire by itself can be made to. */
export interface TimedDoor extends Door {
  fire?(): Promise<unknown>
}

/** What a relay with a job stands between: a gateway with a snapshot of today, and those who are told. */
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
    /** The job's images, in the order in which they were made. */
    images: () => gateway.images.all().filter(({ name }) => name.startsWith('web-')),
    /** The requests that have come to make any. */
    creates: () => gateway.received.filter(({ action }) => action === create),
    async close() {
      receiver.close()
      await gateway.close()
    },
  }
}

/** Proves of a door that its platform's timer runs a job. */
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

  /** Lets the timer fire once a second until something holds. */
  async function fireUntil(holds: () => boolean) {
    for (; !holds(); await sleep(SECOND)) await door.fire?.()
  }

  test('the timer runs a job once a minute, and four targets are told once of its image', async () => {
    const { receiver, snapshot, images, creates } = story
    const heard = () => new Set(images().slice(0, 1).flatMap(receiver.whoHeardOf))
    await fireUntil(() => heard().size === listenerNames.length)
    const end = Date.now() + AFTERWARDS_MS
    await fireUntil(() => Date.now() > end)
    const { json } = await door.request('/v1/jobs')
    const [made, sent, runs] = [images(), creates(), json.items[0].lastRuns]

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
    // Of no minute that had begun before the job was first seen.
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
      creation: {
        state: 'created',
        name: first.name,
        image: { imageNo: first.no, phase: 'ready' },
      },
    })
  })
}

/** What the job's image of a time is to be called, by Seoul's clocks. */
export function nameAt(at: number): string {
  const [date = '', time = ''] = koreanDate(at).split('T')
  return `web-${date.slice(2).replaceAll('-', '')}-${time.slice(0, 5).replace(':', '')}`
}

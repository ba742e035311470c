import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest'
import { type Gateway, openGateway } from '../../gateway/gateway.ts'
import { secrets } from '../../support/canaries.ts'
import { chatSettings, slackCommand } from '../../support/chats.ts'
import { builtNames, openDoor, type ProcessDoor } from '../../support/doors.ts'
import { environmentFor, smallest } from '../../support/relay.ts'
import { until } from '../../support/until.ts'

const servers = builtNames.filter((name) => !name.startsWith('workerd'))
const ROUNDS = 12

let gateway: Gateway
beforeAll(async () => {
  gateway = await openGateway({ ...secrets, readyAfterMs: 0 })
})
afterAll(() => gateway.close())

async function fileFor({ onTestFinished }: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'locked-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'relay.sqlite')
}

/** Locks a database completely, as a backup does. Returns the function that releases it. */
function lock(file: string): () => void {
  const other = new DatabaseSync(file, { timeout: 10_000 })
  other.exec('BEGIN EXCLUSIVE')
  return () => other.close()
}

const create = (door: ProcessDoor, name: string) =>
  door.request('/v1/server-images', { method: 'POST', body: { ...smallest, name } })

describe.concurrent.each(servers)('the store in a file on %s', (name) => {
  test('does not delay other answers while another process has it locked', async (context) => {
    const file = await fileFor(context)
    const environment = environmentFor(gateway.origin, { ...chatSettings(), RELAY_DATABASE: file })
    const door = await openDoor(name, environment)
    await until(() => door.output().includes('"event":"tick"'))
    const release = lock(file)
    let isAnswered = false
    const creating = create(door, `locked-${servers.indexOf(name)}`).finally(() => {
      isAnswered = true
    })
    let meanwhile = 0
    while (!isAnswered && meanwhile < 20) {
      expect((await door.request('/healthz', { as: '' })).status).toBe(200)
      expect((await door.request('/v1/images/12341457')).status).toBe(200)
      if (!isAnswered) meanwhile++
    }
    expect(meanwhile).toBe(20)
    const { path, ...command } = slackCommand('status web-golden')
    expect((await door.request(path, command)).status).toBe(200)
    const { status, json } = await creating
    expect([status, json.code, json.retryable]).toEqual([503, 'store-unavailable', true])
    expect(door.output()).toContain('"reason":"SQLITE_BUSY"')
    release()
    expect((await create(door, `locked-${servers.indexOf(name)}`)).status).toBe(201)
    await door.close()
  })

  test('waits for a short lock, also when it is opened', async (context) => {
    const file = await fileFor(context)
    const environment = environmentFor(gateway.origin, { RELAY_DATABASE: file })
    const releaseFirst = lock(file)
    const opening = openDoor(name, environment)
    setTimeout(releaseFirst, 1_500)
    const door = await opening
    const release = lock(file)
    setTimeout(release, 500)
    expect((await create(door, `short-${servers.indexOf(name)}`)).status).toBe(201)
    await door.close()
  })

  test(`creates each image once while the other of two servers is stopped ${ROUNDS} times`, async (context) => {
    const file = await fileFor(context)
    const environment = environmentFor(gateway.origin, { RELAY_DATABASE: file })
    const [first, second] = [await openDoor(name, environment), await openDoor(name, environment)]
    const names = Array.from(
      { length: ROUNDS },
      (_, i) => `stopped-${servers.indexOf(name)}-${String(i).padStart(2, '0')}`,
    )
    // Not `first.process.kill`: the door would take its process for ended.
    const pid = Number(first.process.pid)
    const statuses: number[] = []
    for (const image of names) {
      const answers = [first, second].flatMap((door) => [create(door, image), create(door, image)])
      await sleep(Math.random() * 30)
      process.kill(pid, 'SIGSTOP')
      await sleep(700)
      process.kill(pid, 'SIGCONT')
      statuses.push(...(await Promise.all(answers)).map(({ status }) => status))
    }
    expect(statuses.filter((status) => ![200, 201, 202, 503].includes(status))).toEqual([])
    for (const image of names) await until(async () => (await create(second, image)).status === 200)
    const made = gateway.images.all().map((image) => image.name)
    expect(made.filter((image) => names.includes(image)).sort()).toEqual(names)
    await first.close()
    await second.close()
  })
})

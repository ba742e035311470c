import { describe, expect, test } from 'vitest'
import { claimOf } from '../../../shared/creation/create.ts'
import { accepted, type Creation, created, sending } from '../../../shared/creation/creation.ts'
import { advance, refreshed } from '../../../shared/creation/reconcile.ts'
import type { CreationStore } from '../../../shared/creation/store.ts'
import type { Image } from '../../../shared/image.ts'
import type { LogEvent } from '../../../shared/log.ts'
import { upstreamProblem } from '../../../shared/ncloud/fault.ts'
import type { Gateway } from '../../../shared/ncloud/gateway.ts'
import { memoryStore } from './memory-store.ts'
import { claim, image } from './records.ts'

const START = 1_000_000
const SIGNED_AT = 1_000_777

interface Script {
  /** Own images that a look-up finds. */
  found?: { image: Image; marker: string | null; type?: string }[]
  /** What a detail call answers. */
  detail?: () => Image | undefined
  /** What becomes of each attempt; a ready image unless said. */
  sends?: (() => Image)[]
}

/** A creation that has just been claimed, and a gateway that plays a script and writes down what it is asked. */
async function stage({ found = [], detail, sends = [] }: Script = {}) {
  const told: string[] = []
  const events: LogEvent[] = []
  const memory = memoryStore()
  const store: CreationStore = {
    ...memory,
    async replace(next) {
      told.push(`store ${next.state}${next.state === 'sending' ? ` ${next.signedAt}` : ''}`)
      return memory.replace(next)
    },
  }
  const gateway: Gateway = {
    async read(action) {
      told.push(action.name)
      const rows =
        action.name === 'getServerImageList' ? { totalRows: found.length, rows: found } : detail?.()
      return rows as never
    },
    async sign() {
      told.push('sign')
      return {
        signedAt: SIGNED_AT,
        async send() {
          told.push('send')
          return (sends.shift() ?? (() => image('ready')))() as never
        },
      }
    },
    async renew() {
      told.push('renew')
    },
  }
  const clock = { now: () => START, sleep: async () => {} }
  const ports = { site: 'public' as const, gateway, store, clock }
  const work = { deadline: START + 25_000, log: (event: LogEvent) => events.push(event) }
  const creation = accepted(claim(), START)
  await memory.claim(creation, { today: 0 })
  return { creation, ports, work, told, events, memory }
}

const failing =
  (...fault: Parameters<typeof upstreamProblem>) =>
  () => {
    throw upstreamProblem(...fault)
  }
const upstream = { action: 'createServerImageFromSnapshot', status: 401 }

test('an attempt is signed, stored with the timestamp of its signature, and only then sent', async () => {
  const { creation, ports, work, told } = await stage()
  expect((await advance(creation, ports, work)).state).toBe('created')
  expect(told).toEqual([
    'getServerImageList',
    'sign',
    `store sending ${SIGNED_AT}`,
    'send',
    'store created',
  ])
})

test('nothing is sent with less than five seconds left', async () => {
  const { creation, ports, work, told } = await stage()
  const late = { ...work, deadline: START + 4_999 }
  expect(await advance(creation, ports, late)).toEqual(creation)
  expect(told).not.toContain('sign')
  expect((await advance(creation, ports, { ...work, deadline: START + 5_000 })).state).toBe(
    'created',
  )
})

test('who loses the race for an attempt sends nothing, and tells what the winner wrote', async () => {
  const { creation, ports, work, told, memory } = await stage()
  const winner = sending(creation, 1, START)
  await memory.replace(winner)
  expect(await advance(creation, ports, work)).toEqual(winner)
  expect(told).not.toContain('send')
})

test('a second attempt after a refused key is not made where somebody else has moved the creation', async () => {
  const { creation, ports, work, told, memory } = await stage({
    sends: [failing('credentials', upstream)],
  })
  const elsewhere: CreationStore = {
    ...ports.store,
    async replace(next) {
      // While the refusal is on its way, another process finds the image.
      const now = await memory.read(creation.creationId)
      if (now?.state === 'sending') await memory.replace(created(now, image('ready'), START))
      return ports.store.replace(next)
    },
  }
  const moved = await advance(creation, { ...ports, store: elsewhere }, work)
  expect(moved.state).toBe('created')
  expect(told.filter((what) => what === 'send')).toHaveLength(1)
})

test('a key that is refused twice leaves the creation accepted', async () => {
  const refused = failing('credentials', upstream)
  const { creation, ports, work, told } = await stage({ sends: [refused, refused] })
  const put = await advance(creation, ports, work)
  expect([put.state, put.attempt, put.problem?.code]).toEqual([
    'accepted',
    2,
    'upstream-credentials',
  ])
  expect(put.dueAt).toBe(START + 30_000)
  expect(told.filter((what) => what === 'renew')).toHaveLength(1)
})

test('a defect on the way leaves an unknown outcome and a line in the log', async () => {
  const broken = () => {
    throw new RangeError('secret words')
  }
  const { creation, ports, work, events } = await stage({ sends: [broken] })
  const left = await advance(creation, ports, work)
  expect([left.state, left.problem?.code, left.dueAt]).toEqual([
    'unknown',
    'internal',
    START + 30_000,
  ])
  expect(events.find(({ event }) => event === 'defect')?.at).toMatch(/^RangeError/)
  expect(JSON.stringify(events)).not.toContain('secret words')
})

describe('the look-up before the first attempt', () => {
  const marked = (creation: Creation, more: Partial<Image> = {}) => {
    const { marker, content } = creation
    return { marker, image: { ...image('ready'), name: content.name, ...more } }
  }
  const outcome = async (rows: (creation: Creation) => Script['found']) => {
    const staged = await stage()
    const { creation, ports, work } = staged
    const found = rows(creation) ?? []
    const read = async () => ({ totalRows: found.length, rows: found }) as never
    const { state, problem } = await advance(
      creation,
      { ...ports, gateway: { ...ports.gateway, read } },
      work,
    )
    return [state, problem?.code, staged.told.includes('send')]
  }

  test.each<[string, (creation: Creation) => Script['found'], string, string | undefined, boolean]>(
    [
      ['nothing', () => [], 'created', undefined, true],
      ['ours', (c) => [marked(c)], 'created', undefined, false],
      [
        'ours beside another’s',
        (c) => [marked(c), { ...marked(c), marker: null }],
        'created',
        undefined,
        false,
      ],
      [
        'NAVER Cloud’s own, though that was not asked for',
        (c) => [{ ...marked(c), marker: null, type: 'NCP' }],
        'created',
        undefined,
        true,
      ],
      ['two of ours', (c) => [marked(c), marked(c)], 'rejected', 'name-taken', false],
      ['another’s', (c) => [{ ...marked(c), marker: null }], 'rejected', 'name-taken', false],
      [
        'ours, being deleted',
        (c) => [marked(c, { phase: 'deleting' })],
        'rejected',
        'name-taken',
        false,
      ],
      ['ours, failed', (c) => [marked(c, { phase: 'failed' })], 'created', undefined, true],
      [
        'one of a longer name',
        (c) => [marked(c, { name: `${c.content.name}-2` })],
        'created',
        undefined,
        true,
      ],
    ],
  )('finds %s', async (_, rows, state, code, isSent) => {
    expect(await outcome(rows)).toEqual([state, code, isSent])
  })
})

describe('an image that is looked at again', () => {
  const made = async (script: Script) => {
    const { creation, ports, work, memory, events } = await stage(script)
    const sent = sending(creation, 1, START)
    await memory.replace(sent)
    const done = created(sent, image('pending'), START)
    await memory.replace(done)
    const at = (milliseconds: number) => ({
      ...ports,
      clock: { ...ports.clock, now: () => START + milliseconds },
    })
    return { done, at, work, events }
  }

  test('is gone when it has no row fifteen minutes after it was made, not before', async () => {
    const { done, at, work } = await made({ detail: () => undefined })
    expect((await refreshed(done, at(899_999), work)).image?.phase).toBe('pending')
    expect((await refreshed(done, at(900_000), work)).image?.phase).toBe('gone')
  })

  test('stays as it was while the gateway cannot be asked', async () => {
    const detail = failing('failed', { action: 'getServerImageDetail' })
    const { done, at, work } = await made({ detail })
    expect(await refreshed(done, at(3_600_000), work)).toEqual(done)
  })
})

describe('the key of a creation', () => {
  const caller = { name: 'key:ci', scopes: [] }
  const content = { name: 'web-1', storages: [{ snapshotNo: '1' }] }
  const wish = { caller, regionCode: 'KR', content, notify: [] }
  const hash = async (more: object, site: 'public' | 'gov' = 'public') =>
    (await claimOf({ ...wish, ...more }, site)).keyHash

  test('is the same for the same, though the content is another', async () => {
    expect(await hash({})).toMatch(/^[0-9a-f]{64}$/)
    expect(await hash({ content: { ...content, description: 'x' } })).toBe(await hash({}))
    expect(await hash({ key: 'k', regionCode: 'JPN' })).toBe(await hash({ key: 'k' }))
  })

  test('is another for another site, caller, key, name or region', async () => {
    const hashes = await Promise.all([
      hash({}),
      hash({}, 'gov'),
      hash({ caller: { ...caller, name: 'key:other' } }),
      hash({ key: 'k' }),
      hash({ key: 'K' }),
      hash({ key: 'web-1' }),
      hash({ content: { ...content, name: 'web-2' } }),
      hash({ regionCode: 'JPN' }),
    ])
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})

import { describe, expect, test } from 'vitest'
import { claimOf } from '../../../shared/creation/create.ts'
import {
  accepted,
  type Creation,
  created,
  sending,
  unknown,
} from '../../../shared/creation/creation.ts'
import { refreshed } from '../../../shared/creation/follow.ts'
import type { Ports } from '../../../shared/creation/ports.ts'
import { reconcile } from '../../../shared/creation/reconcile.ts'
import type { State } from '../../../shared/creation/state.ts'
import type { CreationStore } from '../../../shared/creation/store.ts'
import type { Image } from '../../../shared/image.ts'
import type { LogEvent } from '../../../shared/log.ts'
import { upstreamProblem } from '../../../shared/ncloud/fault.ts'
import type { Gateway } from '../../../shared/ncloud/gateway.ts'
import { memoryStore } from './memory-store.ts'
import { by, claim, image, storage } from './records.ts'

const START = 1_000_000
const SIGNED_AT = 1_000_777

interface Script {
  /** Own images that a look-up finds. */
  found?: { image: Image; marker: string | null; type?: string }[]
  /** What a detail call answers. */
  detail?: () => Image
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
          const ready = () => ({ ...image('ready'), name: creation.content.name })
          return (sends.shift() ?? ready)() as never
        },
      }
    },
    async renew() {
      told.push('renew')
    },
  }
  const clock = { now: () => START, sleep: async () => {} }
  const ports = { site: 'public' as const, gateway, store, clock, targets: [] }
  const work = {
    actor: 'key:ci',
    deadline: START + 25_000,
    log: (event: LogEvent) => events.push(event),
  }
  const creation = accepted(claim(), by(START))
  await memory.claim(creation, { today: 0 })
  return { creation, ports, work, told, events, memory, sent: () => told.includes('send') }
}

const failing =
  (...fault: Parameters<typeof upstreamProblem>) =>
  () => {
    throw upstreamProblem(...fault)
  }
const upstream = { action: 'createServerImageFromSnapshot', status: 401 }

let images = 0

/** A row of a creation's name that bears its mark, unless another is given. */
function marked(
  { content, marker }: Creation,
  more: Partial<Image> = {},
  mark: string | null = marker,
) {
  const imageNo = String(++images)
  return { marker: mark, image: { ...image('ready'), imageNo, name: content.name, ...more } }
}

function other(creation: Creation) {
  return marked(creation, { description: 'by hand' }, null)
}

function lost(creation: Creation) {
  return marked(creation, { description: 'by hand', phase: 'failed' }, null)
}

/** Storages made of these snapshots, in their order. */
function madeOf(...snapshotNos: (string | null)[]): Partial<Image> {
  return { storages: snapshotNos.map((snapshotNo, order) => storage(order, snapshotNo)) }
}

/** The stage's gateway, whose look-ups find what is said now. */
function listing(
  { ports }: { ports: Ports },
  found: () => Script['found'],
  gatewayTime = START,
): Gateway {
  const read = async () => {
    const rows = found() ?? []
    return { totalRows: rows.length, rows, gatewayTime } as never
  }
  return { ...ports.gateway, read }
}

test('an attempt is signed, stored with the timestamp of its signature, and only then sent', async () => {
  const { creation, ports, work, told } = await stage()
  expect((await reconcile(creation, ports, work)).state).toBe('created')
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
  expect(await reconcile(creation, ports, late)).toEqual(creation)
  expect(told).not.toContain('sign')
  expect((await reconcile(creation, ports, { ...work, deadline: START + 5_000 })).state).toBe(
    'created',
  )
})

test('who loses the race for an attempt sends nothing, and tells what the winner wrote', async () => {
  const { creation, ports, work, told, memory } = await stage()
  const winner = sending(creation, 1, by(START))
  await memory.replace(winner)
  expect(await reconcile(creation, ports, work)).toEqual(winner)
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
      if (now?.state === 'sending') await memory.replace(created(now, image('ready'), by(START)))
      return ports.store.replace(next)
    },
  }
  const moved = await reconcile(creation, { ...ports, store: elsewhere }, work)
  expect(moved.state).toBe('created')
  expect(told.filter((what) => what === 'send')).toHaveLength(1)
})

test('a key that is refused twice leaves the creation accepted', async () => {
  const refused = failing('credentials', upstream)
  const { creation, ports, work, told } = await stage({ sends: [refused, refused] })
  const put = await reconcile(creation, ports, work)
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
  const left = await reconcile(creation, ports, work)
  expect([left.state, left.problem?.code, left.dueAt]).toEqual([
    'unknown',
    'internal',
    START + 30_000,
  ])
  expect(events.find(({ event }) => event === 'defect')?.at).toMatch(/^RangeError/)
  expect(JSON.stringify(events)).not.toContain('secret words')
})

describe('the look-up before the first attempt', () => {
  const outcome = async (rows: (creation: Creation) => Script['found']) => {
    const staged = await stage()
    const { creation, ports, work } = staged
    const found = rows(creation) ?? []
    const read = async () => ({ totalRows: found.length, rows: found }) as never
    const { state, problem } = await reconcile(
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

test('a claim that nobody began for an hour is sent no more', async () => {
  const { creation, ports, work, told } = await stage()
  const at = (ms: number) => ({ ...ports, clock: { ...ports.clock, now: () => START + ms } })
  const late = { ...work, deadline: START + 9_000_000 }
  const left = await reconcile(creation, at(3_600_001), late)
  expect([left.state, left.problem?.code]).toEqual(['rejected', 'upstream-timeout'])
  expect(told).not.toContain('send')
})

describe('an attempt', () => {
  test('that is answered with an image of another name is unknown', async () => {
    const { creation, ports, work } = await stage({ sends: [() => image('ready')] })
    const { state, problem } = await reconcile(creation, ports, work)
    expect([state, problem?.code]).toEqual(['unknown', 'upstream-malformed'])
  })

  test('is waited for no longer than 25 s, though the clock is put back meanwhile', async () => {
    const { creation, ports, work } = await stage()
    const waits: number[] = []
    const gateway: Gateway = {
      ...ports.gateway,
      sign: async () => ({
        signedAt: SIGNED_AT,
        async send(timeoutMs) {
          waits.push(timeoutMs)
          throw upstreamProblem('timeout', upstream)
        },
      }),
    }
    await reconcile(creation, { ...ports, gateway }, { ...work, deadline: START + 3_600_000 })
    expect(waits).toEqual([25_000])
  })

  test('that was frozen before it was sent is not sent, and comes another time', async () => {
    const { creation, ports, work, told } = await stage()
    const frozen: CreationStore = {
      ...ports.store,
      async replace(next) {
        const isDone = await ports.store.replace(next)
        if (next.state === 'sending') ports.clock.now = () => START + 20_001
        return isDone
      },
    }
    const left = await reconcile(creation, { ...ports, store: frozen }, work)
    expect([left.state, left.attempt, left.dueAt]).toEqual(['accepted', 1, START + 20_001])
    expect(told).not.toContain('send')
  })

  const refused = { action: 'createServerImageFromSnapshot', status: 400 }
  test.each<[string, (creation: Creation) => Script['found'], State]>([
    ['nothing', () => [], 'rejected'],
    ['another’s', (c) => [marked(c, { description: 'by hand' }, null)], 'rejected'],
    ['its image', (c) => [marked(c)], 'created'],
    ['its image, failed', (c) => [marked(c, { phase: 'failed' })], 'created'],
    ['its image, being deleted', (c) => [marked(c, { phase: 'deleting' })], 'created'],
    ['one without a description', (c) => [marked(c, {}, null)], 'unknown'],
    ['one that bears its mark, of other content', (c) => [marked(c, madeOf('9'))], 'unknown'],
    ['two that bear its mark', (c) => [marked(c), marked(c)], 'unknown'],
  ])('that is refused, after which a look-up finds %s', async (_, rows, state) => {
    const staged = await stage({ sends: [failing('refused', refused)] })
    const { creation, ports, work } = staged
    const after = {
      ...ports,
      gateway: listing(staged, () => (staged.sent() ? rows(creation) : [])),
    }
    expect((await reconcile(creation, after, work)).state).toBe(state)
  })
})

describe('an unknown outcome', () => {
  const problem = { code: 'upstream-timeout' as const, detail: 'x' }
  const out = async (attempts = 1) => {
    const staged = await stage()
    let creation = staged.creation
    for (let attempt = 1; attempt <= attempts; attempt++) {
      creation = sending(creation, SIGNED_AT, by(START))
      await staged.memory.replace(creation)
      creation = unknown(creation, problem, by(START))
      await staged.memory.replace(creation)
    }
    return { ...staged, creation }
  }
  const before = SIGNED_AT + 630_000
  const over = SIGNED_AT + 630_001

  // The contract, section 5, and the reliability report, 1.2.
  test.each<[string, (creation: Creation) => Script['found'], number, State, string | undefined]>([
    ['its image', (c) => [marked(c)], before, 'created', 'adopted'],
    ['its image, failed', (c) => [marked(c, { phase: 'failed' })], before, 'created', 'adopted'],
    ['its image beside another’s', (c) => [other(c), marked(c)], over, 'created', 'adopted'],
    ['nothing, too early', () => [], before, 'unknown', 'upstream-timeout'],
    [
      'two of its images, early',
      (c) => [marked(c), marked(c)],
      before,
      'unknown',
      'upstream-timeout',
    ],
    ['two of its images, late', (c) => [marked(c), marked(c)], over, 'conflict', 'ambiguous'],
    ['its mark on other content', (c) => [marked(c, madeOf('9'))], over, 'conflict', 'ambiguous'],
    [
      'its mark on more storages',
      (c) => [marked(c, madeOf('1', null))],
      over,
      'conflict',
      'ambiguous',
    ],
    ['one without a description', (c) => [marked(c, {}, null)], over, 'conflict', 'ambiguous'],
    ['another’s', (c) => [other(c)], over, 'not_created', 'name-taken'],
    ['another’s that failed', (c) => [lost(c)], over, 'created', undefined],
    ['nothing, at last', () => [], over, 'created', undefined],
  ])('is resolved by finding %s', async (_, rows, gatewayTime, state, reason) => {
    const staged = await out()
    const { creation, ports, work } = staged
    const gateway = listing(staged, () => rows(creation), gatewayTime)
    const now = await reconcile(creation, { ...ports, gateway }, work)
    expect([now.state, now.history.at(-1)?.reason]).toEqual([state, reason])
    expect(staged.sent()).toBe(state === 'created' && reason === undefined)
    expect(await staged.memory.read(creation.creationId)).toEqual(now)
  })

  test.each([
    [2, 'created', undefined, true],
    [3, 'not_created', 'absent', false],
  ])('has a third attempt and no fourth: after %i', async (attempts, state, reason, isSent) => {
    const staged = await out(attempts)
    const gateway = listing(staged, () => [], over)
    const now = await reconcile(staged.creation, { ...staged.ports, gateway }, staged.work)
    expect([now.state, now.history.at(-1)?.reason]).toEqual([state, reason])
    expect(staged.sent()).toBe(isSent)
  })

  test.each([
    [3_600_000, 'created'],
    [3_600_001, 'not_created'],
  ])('is attempted for an hour after the claim: %i ms', async (age, state) => {
    const staged = await out()
    const clock = { ...staged.ports.clock, now: () => START + age }
    const ports = { ...staged.ports, clock, gateway: listing(staged, () => [], over) }
    const work = { ...staged.work, deadline: clock.now() + 25_000 }
    expect((await reconcile(staged.creation, ports, work)).state).toBe(state)
  })

  test('is looked for again within the minute, also when a look-up fails', async () => {
    for (const found of [() => [], failing('failed', { action: 'getServerImageList' })]) {
      const staged = await out()
      const gateway = listing(staged, found, before)
      const now = await reconcile(staged.creation, { ...staged.ports, gateway }, staged.work)
      expect([now.state, now.dueAt]).toEqual(['unknown', START + 50_000])
    }
  })

  test('passes over failed images that were there before its first attempt', async () => {
    const { creation, ports, work, memory, ...staged } = await stage({
      sends: [failing('timeout', upstream)],
    })
    const found = [marked(creation, { phase: 'failed', imageNo: '7' })]
    const early = { ...ports, gateway: listing({ ports, ...staged }, () => found) }
    const left = await reconcile(creation, early, work)
    expect([left.state, left.imagesBefore]).toEqual(['unknown', ['7']])
    const late = { ...ports, gateway: listing({ ports, ...staged }, () => found, before) }
    expect((await reconcile(left, late, work)).state).toBe('unknown')
  })
})

describe('an attempt that its owner has left', () => {
  test('is unknown, and the owner can write no more', async () => {
    const { creation, ports, work, memory } = await stage({ found: [] })
    const sent = sending(creation, SIGNED_AT, by(START))
    await memory.replace(sent)
    const taken = await reconcile(sent, ports, { ...work, actor: 'tick' })
    expect(taken.state).toBe('unknown')
    expect(taken.history.at(-1)).toMatchObject({ actor: 'tick', reason: 'upstream-timeout' })
    expect(await memory.replace(created(sent, image('ready'), by(START)))).toBe(false)
  })
})

test('what an attempt made whose owner has left is found in the same step', async () => {
  const { creation, ports, work, memory } = await stage()
  const sent = sending(creation, SIGNED_AT, by(START))
  await memory.replace(sent)
  const gateway = listing({ ports }, () => [marked(creation)])
  const now = await reconcile(sent, { ...ports, gateway }, work)
  expect(now.history.map(({ to }) => to)).toEqual(['accepted', 'sending', 'unknown', 'created'])
})

test.each<State>(['conflict', 'rejected', 'not_created'])('%s is left alone', async (state) => {
  const { creation, ports, work, told } = await stage()
  const left = { ...creation, state, dueAt: null }
  expect(await reconcile(left, ports, work)).toBe(left)
  expect(told).toEqual([])
})

describe('an image that is looked at again', () => {
  const made = async (script: Script) => {
    const { creation, ports, work, memory, events } = await stage(script)
    const sent = sending(creation, 1, by(START))
    await memory.replace(sent)
    const done = created(sent, image('pending'), by(START))
    await memory.replace(done)
    const at = (milliseconds: number) => ({
      ...ports,
      clock: { ...ports.clock, now: () => START + milliseconds },
    })
    return { done, at, work, events }
  }

  test('is gone when it has no row fifteen minutes after it was made, by the gateway’s clock', async () => {
    let gatewayTime = START + 899_999
    const detail = () => {
      throw upstreamProblem('absent', { action: 'getServerImageDetail' }, { gatewayTime })
    }
    const { done, at, work } = await made({ detail })
    // The relay's own clock may be a day ahead.
    expect((await refreshed(done, at(86_400_000), work)).image?.phase).toBe('pending')
    gatewayTime = START + 900_000
    expect((await refreshed(done, at(0), work)).image?.phase).toBe('gone')
  })

  test('stays as it was while the gateway cannot be asked', async () => {
    const action = 'getServerImageDetail'
    const detail = failing('failed', { action }, { gatewayTime: START + 3_600_000 })
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

import { describe, expect, test } from 'vitest'
import type { Context } from '../../../shared/context.ts'
import type { Image } from '../../../shared/image.ts'
import type { LogEvent } from '../../../shared/log.ts'
import { upstreamProblem } from '../../../shared/ncloud/fault.ts'
import type { Gateway } from '../../../shared/ncloud/gateway.ts'
import { createImage } from '../../../shared/operations/create-image/kind.ts'
import { refreshResult } from '../../../shared/operations/follow.ts'
import type { Operation } from '../../../shared/operations/operation.ts'
import { reconcile } from '../../../shared/operations/reconcile.ts'
import { newClaim } from '../../../shared/operations/request.ts'
import type { State } from '../../../shared/operations/state.ts'
import { accept, apply, markUnknown, startAttempt } from '../../../shared/operations/transitions.ts'
import { memoryStore } from '../store/memory-store.ts'
import { NO_QUOTA, replace, withChanges } from '../store/writes.ts'
import { by, claim, image, storage } from './records.ts'

const START = 1_000_000
const SIGNED_AT = 1_000_777

interface Script {
  /** The own images that a look-up finds. */
  found?: { image: Image; markers: string[]; type?: string }[]
  /** The answer to a detail call. */
  detail?: () => Image
  /** The result of each attempt; by default a ready image. */
  sends?: (() => Image)[]
}

/** Returns an operation that was just claimed, and a scripted gateway that records its calls. */
async function stage({ found = [], detail, sends = [] }: Script = {}) {
  const calls: string[] = []
  const events: LogEvent[] = []
  const memory = memoryStore()
  const store = withChanges(memory, (next, write) => {
    calls.push(`store ${next.state}${next.state === 'sending' ? ` ${next.signedAt}` : ''}`)
    return write(next)
  })
  const gateway: Gateway = {
    async read(action) {
      calls.push(action.name)
      const rows =
        action.name === 'getServerImageList' ? { totalRows: found.length, rows: found } : detail?.()
      return rows as never
    },
    async sign() {
      calls.push('sign')
      return {
        signedAt: SIGNED_AT,
        async send() {
          calls.push('send')
          const ready = () => ({ ...image('ready'), name: operation.name })
          return (sends.shift() ?? ready)() as never
        },
      }
    },
    async renew() {
      calls.push('renew')
    },
  }
  const clock = { now: () => START, sleep: async () => {} }
  const context: Context = {
    ...{ relayName: '', site: 'public', gateway, store, clock, targets: [] },
    actor: 'key:ci',
    deadline: START + 25_000,
    log: (event: LogEvent) => events.push(event),
  }
  const operation = accept(claim(), by(START))
  await memory.claim(operation, NO_QUOTA)
  return { operation, context, calls, events, memory, sent: () => calls.includes('send') }
}

const failing =
  (...fault: Parameters<typeof upstreamProblem>) =>
  () => {
    throw upstreamProblem(...fault)
  }
const upstream = { action: 'createServerImageFromSnapshot', status: 401 }

let images = 0

/** Returns a row with an operation's name and, unless another is given, its marker. */
function marked({ name, marker }: Operation, more: Partial<Image> = {}, mark = [marker]) {
  const imageNo = String(++images)
  return { markers: mark, image: { ...image('ready'), imageNo, name, ...more } }
}

function other(operation: Operation) {
  return marked(operation, { description: 'by hand' }, [])
}

function foreign(operation: Operation, more: Partial<Image> = {}) {
  return marked(operation, more, ['ffffffffffffffff'])
}

function lost(operation: Operation) {
  return marked(operation, { description: 'by hand', phase: 'failed' }, [])
}

/** Returns storages made of these snapshots, in this order. */
function madeOf(...snapshotNos: (string | null)[]): Partial<Image> {
  return { storages: snapshotNos.map((snapshotNo, order) => storage(order, snapshotNo)) }
}

/** Returns the stage's gateway with look-ups that find the given rows. */
function listing(
  { context }: { context: Context },
  found: () => Script['found'],
  gatewayTime = START,
): Gateway {
  const read = async () => {
    const rows = found() ?? []
    return { totalRows: rows.length, rows, gatewayTime } as never
  }
  return { ...context.gateway, read }
}

test('an attempt is signed, stored with the timestamp of its signature, and only then sent', async () => {
  const { operation, context, calls } = await stage()
  expect((await reconcile(operation, context)).state).toBe('applied')
  expect(calls).toEqual([
    'getServerImageList',
    'sign',
    `store sending ${SIGNED_AT}`,
    'send',
    'store applied',
  ])
})

test('sends nothing with less than five seconds left', async () => {
  const { operation, context, calls } = await stage()
  const late = { ...context, deadline: START + 4_999 }
  expect(await reconcile(operation, late)).toEqual(operation)
  expect(calls).not.toContain('sign')
  expect((await reconcile(operation, { ...context, deadline: START + 5_000 })).state).toBe(
    'applied',
  )
})

test('sends nothing after a lost race for an attempt, and returns the winner’s record', async () => {
  const { operation, context, calls, memory } = await stage()
  const winner = startAttempt(operation, 1, by(START))
  await replace(memory, winner)
  expect(await reconcile(operation, context)).toEqual(winner)
  expect(calls).not.toContain('send')
})

test('a refusal of the second attempt leaves the outcome unknown, although no image is found', async () => {
  const { operation, context } = await stage({ sends: [failing('refused', upstream)] })
  const second = { ...operation, attempt: 1 }
  // The first attempt may have made an image that lists do not show yet.
  expect((await reconcile(second, context)).state).toBe('unknown')
})

test('makes no second attempt after a refused key if another process has moved the operation', async () => {
  const { operation, context, calls, memory } = await stage({
    sends: [failing('credentials', upstream)],
  })
  const elsewhere = withChanges(context.store, async (next, write) => {
    // Before the refusal is stored, another process finds the image.
    const now = await memory.get('operation', operation.operationId)
    if (now?.state === 'sending') await replace(memory, apply(now, image('ready'), by(START)))
    return write(next)
  })
  const moved = await reconcile(operation, { ...context, store: elsewhere })
  expect(moved.state).toBe('applied')
  expect(calls.filter((call) => call === 'send')).toHaveLength(1)
})

test('a key that is refused twice leaves the operation accepted', async () => {
  const refused = failing('credentials', upstream)
  const { operation, context, calls } = await stage({ sends: [refused, refused] })
  const left = await reconcile(operation, context)
  expect([left.state, left.attempt, left.problem?.code]).toEqual([
    'accepted',
    2,
    'upstream-credentials',
  ])
  expect(left.dueAt).toBe(START + 30_000)
  expect(calls.filter((call) => call === 'renew')).toHaveLength(1)
})

test('an exception during an attempt leaves an unknown outcome and a log event', async () => {
  const broken = () => {
    throw new RangeError('secret words')
  }
  const { operation, context, events } = await stage({ sends: [broken] })
  const left = await reconcile(operation, context)
  expect([left.state, left.problem?.code, left.dueAt]).toEqual([
    'unknown',
    'internal',
    START + 30_000,
  ])
  expect(events.find(({ event }) => event === 'defect')?.at).toMatch(/^RangeError/)
  expect(JSON.stringify(events)).not.toContain('secret words')
})

describe('the look-up before the first attempt', () => {
  const outcome = async (rows: (operation: Operation) => Script['found']) => {
    const staged = await stage()
    const { operation, context } = staged
    const found = rows(operation) ?? []
    const read = async () => ({ totalRows: found.length, rows: found }) as never
    const gateway = { ...context.gateway, read }
    const { state, problem } = await reconcile(operation, { ...context, gateway })
    return [state, problem?.code, staged.calls.includes('send')]
  }

  test.each<
    [string, (operation: Operation) => Script['found'], string, string | undefined, boolean]
  >([
    ['nothing', () => [], 'applied', undefined, true],
    ['its image', (c) => [marked(c)], 'applied', undefined, false],
    [
      'its image and another one',
      (c) => [marked(c), { ...marked(c), markers: [] }],
      'applied',
      undefined,
      false,
    ],
    [
      'an unrequested image of NAVER Cloud',
      (c) => [{ ...marked(c), markers: [], type: 'NCP' }],
      'applied',
      undefined,
      true,
    ],
    ['two images with its marker', (c) => [marked(c), marked(c)], 'rejected', 'name-taken', false],
    ['another image', (c) => [{ ...marked(c), markers: [] }], 'rejected', 'name-taken', false],
    [
      'its image being deleted',
      (c) => [marked(c, { phase: 'deleting' })],
      'rejected',
      'name-taken',
      false,
    ],
    ['its failed image', (c) => [marked(c, { phase: 'failed' })], 'applied', undefined, true],
    [
      'an image with a longer name',
      (c) => [marked(c, { name: `${c.name}-2` })],
      'applied',
      undefined,
      true,
    ],
  ])(
    'sends the create or settles the operation after finding %s',
    async (_, rows, state, code, isSent) => {
      expect(await outcome(rows)).toEqual([state, code, isSent])
    },
  )
})

test('a claim is not sent if it was not begun within an hour', async () => {
  const { operation, context, calls } = await stage()
  const clock = { ...context.clock, now: () => START + 3_600_001 }
  const left = await reconcile(operation, { ...context, clock, deadline: START + 9_000_000 })
  expect([left.state, left.problem?.code]).toEqual(['rejected', 'upstream-timeout'])
  expect(calls).not.toContain('send')
})

describe('an attempt', () => {
  test('has an unknown outcome if the answer is an image with another name', async () => {
    const { operation, context } = await stage({ sends: [() => image('ready')] })
    const { state, problem } = await reconcile(operation, context)
    expect([state, problem?.code]).toEqual(['unknown', 'upstream-malformed'])
  })

  test('waits at most 25 s, even if the clock was set back and the deadline is far away', async () => {
    const { operation, context } = await stage()
    const waits: number[] = []
    const gateway: Gateway = {
      ...context.gateway,
      sign: async () => ({
        signedAt: SIGNED_AT,
        async send(timeoutMs) {
          waits.push(timeoutMs)
          throw upstreamProblem('timeout', upstream)
        },
      }),
    }
    await reconcile(operation, { ...context, gateway, deadline: START + 3_600_000 })
    expect(waits).toEqual([25_000])
  })

  test('is postponed if its process was frozen before sending', async () => {
    const { operation, context, calls } = await stage()
    const frozen = withChanges(context.store, async (next, write) => {
      const isDone = await write(next)
      if (next.state === 'sending') context.clock.now = () => START + 20_001
      return isDone
    })
    const left = await reconcile(operation, { ...context, store: frozen })
    expect([left.state, left.attempt, left.dueAt]).toEqual(['accepted', 1, START + 20_001])
    expect(calls).not.toContain('send')
  })

  const refused = { action: 'createServerImageFromSnapshot', status: 400 }
  test.each<[string, (operation: Operation) => Script['found'], State]>([
    ['nothing', () => [], 'rejected'],
    ['an image with another description', (c) => [other(c)], 'unknown'],
    ['the image of another operation', (c) => [foreign(c)], 'rejected'],
    ['its image', (c) => [marked(c)], 'applied'],
    ['its failed image', (c) => [marked(c, { phase: 'failed' })], 'applied'],
    ['its image being deleted', (c) => [marked(c, { phase: 'deleting' })], 'applied'],
    ['an image without a description', (c) => [marked(c, {}, [])], 'unknown'],
    ['an image with its marker and other content', (c) => [marked(c, madeOf('9'))], 'unknown'],
    ['two images with its marker', (c) => [marked(c), marked(c)], 'unknown'],
  ])('is followed by a look-up if it is refused, which finds %s', async (_, rows, state) => {
    const staged = await stage({ sends: [failing('refused', refused)] })
    const { operation, context } = staged
    const after = {
      ...context,
      gateway: listing(staged, () => (staged.sent() ? rows(operation) : [])),
    }
    expect((await reconcile(operation, after)).state).toBe(state)
  })
})

describe('a refusal that passes by itself', () => {
  const inOperation = { action: 'createServerImageFromSnapshot', status: 400, code: '25013' }
  const refusal = failing('refused', inOperation)
  /** Runs an operation again, as the next tick does. */
  const again = (operation: Operation, context: Context, minutes: number) => {
    const clock = { ...context.clock, now: () => START + minutes * 60_000 }
    return reconcile(operation, { ...context, clock, deadline: clock.now() + 25_000 })
  }

  test.each([
    '23003',
    '23006',
    '24002',
    '25013',
    '25017',
    '25033',
    '50160',
    '80031',
    '1007009',
    '1012005',
  ])('is put off for 30 s with the code %s', async (code) => {
    const { operation, context } = await stage({
      sends: [failing('refused', { ...inOperation, code })],
    })
    const left = await reconcile(operation, context)
    expect([left.state, left.attempt, left.dueAt]).toEqual(['accepted', 1, START + 30_000])
    expect(left.problem).toMatchObject({ code: 'upstream-refused', upstream: { code } })
  })

  test.each([
    ['another code', { ...inOperation, code: '1401' }, 'rejected'],
    ['HTTP 200', { ...inOperation, status: 200 }, 'unknown'],
    ['HTTP 500', { ...inOperation, status: 500 }, 'unknown'],
  ])('is not put off with %s', async (_, answer, state) => {
    const { operation, context } = await stage({ sends: [failing('refused', answer)] })
    expect((await reconcile(operation, context)).state).toBe(state)
  })

  test('is tried again until it is accepted, and such attempts do not count', async () => {
    const lost = failing('timeout', upstream)
    const sends = [refusal, refusal, refusal, refusal, lost]
    const { operation, context } = await stage({ sends })
    let now = await reconcile(operation, context)
    for (let minute = 1; minute <= 3; minute++) now = await again(now, context, minute)
    expect([now.state, now.attempt, now.refusals]).toEqual(['accepted', 4, 4])
    now = await again(now, context, 4)
    expect([now.state, now.attempt, now.refusals]).toEqual(['unknown', 5, 4])
    const gateway = listing({ context }, () => [], SIGNED_AT + 630_001)
    expect((await again(now, { ...context, gateway }, 20)).state).toBe('applied')
  })

  test('is final one hour after the claim', async () => {
    const { operation, context } = await stage({ sends: [refusal] })
    const put = await reconcile(operation, context)
    const end = await again(put, context, 61)
    expect([end.state, end.problem?.upstream?.code]).toEqual(['rejected', '25013'])
  })

  test('leaves an unknown outcome after an attempt whose outcome was unknown', async () => {
    const { operation, context } = await stage({ sends: [refusal] })
    expect((await reconcile({ ...operation, attempt: 1 }, context)).state).toBe('unknown')
  })

  test('of a look-up puts off the create', async () => {
    const { operation, context } = await stage()
    const gateway = listing({ context }, failing('refused', inOperation))
    expect((await reconcile(operation, { ...context, gateway })).state).toBe('accepted')
  })
})

describe('an unknown outcome', () => {
  const problem = { code: 'upstream-timeout' as const, detail: 'x' }
  const out = async (attempts = 1) => {
    const staged = await stage()
    let operation = staged.operation
    for (let attempt = 1; attempt <= attempts; attempt++) {
      operation = startAttempt(operation, SIGNED_AT, by(START))
      await replace(staged.memory, operation)
      operation = markUnknown(operation, problem, by(START))
      await replace(staged.memory, operation)
    }
    return { ...staged, operation }
  }
  const before = SIGNED_AT + 630_000
  const over = SIGNED_AT + 630_001

  // The contract, section 5, and the reliability report, 1.2.
  test.each<[string, (operation: Operation) => Script['found'], number, State, string | undefined]>(
    [
      ['its image', (c) => [marked(c)], before, 'applied', 'adopted'],
      ['its failed image', (c) => [marked(c, { phase: 'failed' })], before, 'applied', 'adopted'],
      ['its image and another one', (c) => [other(c), marked(c)], over, 'applied', 'adopted'],
      ['nothing, too early', () => [], before, 'unknown', 'upstream-timeout'],
      [
        'two images with its marker, early',
        (c) => [marked(c), marked(c)],
        before,
        'unknown',
        'upstream-timeout',
      ],
      [
        'two images with its marker, late',
        (c) => [marked(c), marked(c)],
        over,
        'conflict',
        'ambiguous',
      ],
      [
        'its marker on other content',
        (c) => [marked(c, madeOf('9'))],
        over,
        'conflict',
        'ambiguous',
      ],
      [
        'its marker on more storages',
        (c) => [marked(c, madeOf('1', null))],
        over,
        'conflict',
        'ambiguous',
      ],
      ['an image without a description', (c) => [marked(c, {}, [])], over, 'conflict', 'ambiguous'],
      // A description that differs is never proof of another maker: relay.md, section 5.
      ['an image with another description', (c) => [other(c)], over, 'conflict', 'ambiguous'],
      ['a failed image with another description', (c) => [lost(c)], over, 'conflict', 'ambiguous'],
      ['the image of another operation', (c) => [foreign(c)], over, 'not_applied', 'name-taken'],
      [
        'the failed image of another operation',
        (c) => [foreign(c, { phase: 'failed' })],
        over,
        'applied',
        undefined,
      ],
      [
        'its marker beside another one',
        (c) => [marked(c, {}, ['ffffffffffffffff', c.marker])],
        over,
        'applied',
        'adopted',
      ],
      ['nothing, after the attempt is over', () => [], over, 'applied', undefined],
    ],
  )('moves on after a look-up finds %s', async (_, rows, gatewayTime, state, reason) => {
    const staged = await out()
    const { operation, context } = staged
    const gateway = listing(staged, () => rows(operation), gatewayTime)
    const now = await reconcile(operation, { ...context, gateway })
    expect([now.state, now.history.at(-1)?.reason]).toEqual([state, reason])
    expect(staged.sent()).toBe(state === 'applied' && reason === undefined)
    expect(await staged.memory.get('operation', operation.operationId)).toEqual(now)
  })

  test.each([
    [2, 'applied', undefined, true],
    [3, 'not_applied', 'absent', false],
  ])('has at most three attempts: after %i', async (attempts, state, reason, isSent) => {
    const staged = await out(attempts)
    const gateway = listing(staged, () => [], over)
    const now = await reconcile(staged.operation, { ...staged.context, gateway })
    expect([now.state, now.history.at(-1)?.reason]).toEqual([state, reason])
    expect(staged.sent()).toBe(isSent)
  })

  test.each([
    [3_600_000, 'applied'],
    [3_600_001, 'not_applied'],
  ])('is attempted again within an hour after the claim: %i ms', async (age, state) => {
    const staged = await out()
    const clock = { ...staged.context.clock, now: () => START + age }
    const gateway = listing(staged, () => [], over)
    const context = { ...staged.context, clock, gateway, deadline: clock.now() + 25_000 }
    expect((await reconcile(staged.operation, context)).state).toBe(state)
  })

  test('is looked up again within a minute, also after a failed look-up', async () => {
    for (const found of [() => [], failing('failed', { action: 'getServerImageList' })]) {
      const staged = await out()
      const gateway = listing(staged, found, before)
      const now = await reconcile(staged.operation, { ...staged.context, gateway })
      expect([now.state, now.dueAt]).toEqual(['unknown', START + 50_000])
    }
  })

  test('ignores failed images that existed before its first attempt', async () => {
    const { operation, context, memory, ...staged } = await stage({
      sends: [failing('timeout', upstream)],
    })
    const found = [marked(operation, { phase: 'failed', imageNo: '7' })]
    const early = { ...context, gateway: listing({ context, ...staged }, () => found) }
    const left = await reconcile(operation, early)
    expect([left.state, left.existedBefore]).toEqual(['unknown', ['7']])
    const late = { ...context, gateway: listing({ context, ...staged }, () => found, before) }
    expect((await reconcile(left, late)).state).toBe('unknown')
  })
})

describe('an attempt whose process has stopped', () => {
  test('becomes unknown, and its process can no longer write', async () => {
    const { operation, context, memory } = await stage({ found: [] })
    const sent = startAttempt(operation, SIGNED_AT, by(START))
    await replace(memory, sent)
    const taken = await reconcile(sent, { ...context, actor: 'tick' })
    expect(taken.state).toBe('unknown')
    expect(taken.history.at(-1)).toMatchObject({ actor: 'tick', reason: 'upstream-timeout' })
    expect(await replace(memory, apply(sent, image('ready'), by(START)))).toBe(false)
  })
})

test('the image of an attempt whose process has stopped is found in the same step', async () => {
  const { operation, context, memory } = await stage()
  const sent = startAttempt(operation, SIGNED_AT, by(START))
  await replace(memory, sent)
  const gateway = listing({ context }, () => [marked(operation)])
  const now = await reconcile(sent, { ...context, gateway })
  expect(now.history.map(({ status }) => status)).toEqual([
    'accepted',
    'sending',
    'unknown',
    'ready',
  ])
})

test.each<State>(['conflict', 'rejected', 'not_applied'])(
  'an operation in the state %s is not changed',
  async (state) => {
    const { operation, context, calls } = await stage()
    const left = { ...operation, state, dueAt: null }
    expect(await reconcile(left, context)).toBe(left)
    expect(calls).toEqual([])
  },
)

describe('an image that is refreshed', () => {
  const made = async (script: Script) => {
    const { operation, context, memory, events } = await stage(script)
    const sent = startAttempt(operation, 1, by(START))
    await replace(memory, sent)
    const done = apply(sent, image('pending'), by(START))
    await replace(memory, done)
    const at = (milliseconds: number) => ({
      ...context,
      clock: { ...context.clock, now: () => START + milliseconds },
    })
    return { done, at, events }
  }

  test('is gone if it has no row 15 minutes after its operation, by the gateway’s clock', async () => {
    let gatewayTime = START + 899_999
    const detail = () => {
      throw upstreamProblem('absent', { action: 'getServerImageDetail' }, { gatewayTime })
    }
    const { done, at } = await made({ detail })
    // The relay's own clock may be a day ahead.
    expect((await refreshResult(done, at(86_400_000))).result?.phase).toBe('pending')
    gatewayTime = START + 900_000
    expect((await refreshResult(done, at(0))).result?.phase).toBe('gone')
  })

  test.each<[string, () => Partial<Image>]>([
    ['another number', () => ({ imageNo: '82265', phase: 'failed' })],
    ['another name', () => ({ name: 'db', phase: 'failed' })],
    ['another number and name', () => ({ imageNo: '82265', name: 'db' })],
  ])('stays unchanged while the answer has %s', async (_, odd) => {
    const detail = () => ({ ...image('pending'), name: names.at(-1) ?? '', ...odd() })
    const names: string[] = []
    const { done, at } = await made({ detail })
    names.push(done.name)
    expect(await refreshResult(done, at(0))).toEqual(done)
  })

  describe('whose detail call is refused', () => {
    const refused = { action: 'getServerImageDetail', status: 400, code: '9900009' }
    const refreshed = async (rows: (name: string) => Script['found'], gatewayTime: number) => {
      const { done, at } = await made({ detail: failing('refused', refused) })
      const context = at(0)
      const { read } = context.gateway
      const gateway: Gateway = {
        ...context.gateway,
        async read(action, ...rest) {
          if (action.name !== 'getServerImageList') return read(action, ...rest)
          const found = rows(done.name) ?? []
          return { totalRows: found.length, rows: found, gatewayTime } as never
        },
      }
      return (await refreshResult(done, { ...context, gateway })).result?.phase
    }
    const row = (name: string, phase: string, imageNo = image('').imageNo) => ({
      markers: [],
      image: { ...image(phase), name, imageNo },
    })

    // The list by number decides: field report A5.
    test('is gone if the list has no row 15 minutes after its operation', async () => {
      expect(await refreshed(() => [], START + 899_999)).toBe('pending')
      expect(await refreshed(() => [], START + 900_000)).toBe('gone')
    })

    test('is as the list shows it', async () => {
      const later = START + 3_600_000
      expect(await refreshed((name) => [row(name, 'ready')], later)).toBe('ready')
      expect(await refreshed(() => [row('db', 'failed')], later)).toBe('pending')
    })

    test('is gone if the list ignores the filter and has only other numbers', async () => {
      const others = (name: string) => [row(name, 'ready', '7')]
      expect(await refreshed(others, START + 900_000)).toBe('gone')
    })

    test('stays unchanged if the list repeats rows or is not whole', async () => {
      const twice = (name: string) => [row(name, 'ready', '7'), row(name, 'ready', '7')]
      expect(await refreshed(twice, START + 900_000)).toBe('pending')
    })
  })

  test('stays unchanged while the gateway fails', async () => {
    const action = 'getServerImageDetail'
    const detail = failing('failed', { action }, { gatewayTime: START + 3_600_000 })
    const { done, at } = await made({ detail })
    expect(await refreshResult(done, at(3_600_000))).toEqual(done)
  })
})

describe('the key of an operation', () => {
  const caller = { name: 'key:ci', scopes: [] }
  const input = { name: 'web-1', storages: [{ snapshotNo: '1' }] }
  const request = { kind: createImage, input, caller, regionCode: 'KR', notify: [] }
  const relay = { relayName: '', site: 'public' as const }
  const hash = async (more: object, where: { relayName?: string; site?: 'gov' } = {}) =>
    (await newClaim({ ...request, ...more }, { ...relay, ...where })).keyHash
  const key = (value: string, origin = 'idempotency-key') => ({ key: { origin, value } })

  test('does not depend on the content, nor an explicit key on the region', async () => {
    expect(await hash({})).toMatch(/^[0-9a-f]{64}$/)
    expect(await hash({ input: { ...input, description: 'x' } })).toBe(await hash({}))
    expect(await hash({ ...key('k'), regionCode: 'JPN' })).toBe(await hash(key('k')))
  })

  test('depends on relay, site, caller, key and its origin, name and region', async () => {
    const hashes = await Promise.all([
      hash({}),
      hash({}, { site: 'gov' }),
      hash({}, { relayName: 'tokyo' }),
      hash({ caller: { ...caller, name: 'key:other' } }),
      hash(key('k')),
      hash(key('K')),
      hash(key('k', 'chat-button')),
      hash(key('web-1')),
      hash({ input: { ...input, name: 'web-2' } }),
      hash({ regionCode: 'JPN' }),
    ])
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})

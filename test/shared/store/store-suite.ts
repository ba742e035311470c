import { describe, expect, test } from 'vitest'
import {
  accept,
  apply,
  type Operation,
  postponeLook,
  reject,
  startAttempt,
} from '../../../shared/operations/operation.ts'
import type { Store } from '../../../shared/store/store.ts'
import { by, claim, image, jobsRecord, notice } from '../operations/records.ts'

const problem = { code: 'upstream-refused' as const, detail: 'x' }
const noQuota = { today: 0 }

/** Tests the rules for all stores, with a new store for each test. */
export function storeSuite(open: () => Promise<Store>) {
  test('returns a claimed operation completely', async () => {
    const store = await open()
    const operation = accept(claim(), by(1_000))
    expect(await store.claim(operation, noQuota)).toEqual({ outcome: 'ok' })
    expect(await store.read(operation.operationId)).toEqual(operation)
    expect(await store.holderOf('KR', operation.content.name)).toEqual(operation)
    expect(await store.read('op_none')).toBeUndefined()
  })

  test('allows one operation for a key', async () => {
    const store = await open()
    const first = accept(claim({ keyHash: 'same' }), by(1_000))
    await store.claim(first, noQuota)
    const second = await store.claim(accept(claim({ keyHash: 'same' }), by(2_000)), noQuota)
    expect(second).toEqual({ outcome: 'key-held', holder: first })
  })

  test('allows one live operation for a name in a region', async () => {
    const store = await open()
    const first = accept(claim({ name: 'web' }), by(1_000))
    await store.claim(first, noQuota)
    const second = await store.claim(accept(claim({ name: 'web' }), by(2_000)), noQuota)
    expect(second).toEqual({ outcome: 'name-held', holder: first })
    const elsewhere = claim({ name: 'web', regionCode: 'JPN' })
    expect(await store.claim(accept(elsewhere, by(2_000)), noQuota)).toEqual({
      outcome: 'ok',
    })
  })

  test('releases a name when its operation is rejected or its image is lost', async () => {
    const store = await open()
    const first = accept(claim({ name: 'web' }), by(1_000))
    await store.claim(first, noQuota)
    await store.replace(reject(first, problem, by(2_000)))
    const second = accept(claim({ name: 'web' }), by(3_000))
    expect(await store.claim(second, noQuota)).toEqual({ outcome: 'ok' })
    const sent = startAttempt(second, 3_000, by(3_000))
    await store.replace(sent)
    await store.replace(apply(sent, image('failed'), by(4_000)))
    const third = accept(claim({ name: 'web' }), by(5_000))
    expect(await store.claim(third, noQuota)).toEqual({ outcome: 'ok' })
    expect(await store.holderOf('KR', 'web')).toEqual(third)
  })

  test.each([
    [true, 'key-held'],
    [false, 'ok'],
  ])('a rejected operation keeps its key if it is explicit: %j', async (keyIsExplicit, outcome) => {
    const store = await open()
    const first = accept(claim({ keyHash: 'same', keyIsExplicit }), by(1_000))
    await store.claim(first, noQuota)
    await store.replace(reject(first, problem, by(2_000)))
    const second = accept(claim({ keyHash: 'same', keyIsExplicit }), by(3_000))
    expect(await store.claim(second, noQuota)).toMatchObject({ outcome })
  })

  test('limits the operations of a caller per day, rejected ones included', async () => {
    const store = await open()
    const quota = { dailyCreations: 2, today: 1_000 }
    await store.claim(accept(claim(), by(999)), quota)
    const counted = accept(claim(), by(1_000))
    expect(await store.claim(counted, quota)).toEqual({ outcome: 'ok' })
    await store.replace(reject(counted, problem, by(1_001)))
    await store.claim(accept(claim(), by(1_002)), quota)
    expect(await store.claim(accept(claim(), by(1_003)), quota)).toEqual({
      outcome: 'quota-spent',
    })
    const others = accept(claim({ caller: 'key:other' }), by(1_003))
    expect(await store.claim(others, quota)).toEqual({ outcome: 'ok' })
  })

  test('checks the quota last', async () => {
    const store = await open()
    const quota = { dailyCreations: 1, today: 0 }
    const first = accept(claim({ name: 'web', keyHash: 'same' }), by(1_000))
    await store.claim(first, quota)
    const outcomes = [claim({ keyHash: 'same' }), claim({ name: 'web' }), claim()].map(
      async (one) => (await store.claim(accept(one, by(2_000)), quota)).outcome,
    )
    expect(await Promise.all(outcomes)).toEqual(['key-held', 'name-held', 'quota-spent'])
  })

  test('refuses a write that does not follow the stored version', async () => {
    const store = await open()
    const first = accept(claim(), by(1_000))
    await store.claim(first, noQuota)
    const one = startAttempt(first, 2_000, by(2_000))
    const other = reject(first, problem, by(2_000))
    expect([await store.replace(one), await store.replace(other)]).toEqual([true, false])
    expect(await store.read(first.operationId)).toEqual(one)
    expect(await store.replace(startAttempt(accept(claim(), by(1)), 1, by(1)))).toBe(false)
  })

  test('accepts one of 100 concurrent claims for one key', async () => {
    const store = await open()
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        store.claim(accept(claim({ keyHash: 'same' }), by(1_000 + i)), noQuota),
      ),
    )
    expect(results.filter(({ outcome }) => outcome === 'ok')).toHaveLength(1)
  })

  test('lists the operations that are due, the earliest first', async () => {
    const store = await open()
    // A claim is due after 30 s.
    const [late, early, settled, future] = [2_000, 1_000, 500, 3_000].map((at) =>
      accept(claim(), by(at)),
    ) as [Operation, Operation, Operation, Operation]
    for (const one of [late, early, settled, future]) await store.claim(one, noQuota)
    await store.replace(reject(settled, problem, by(600)))
    expect(await store.due(32_000, 9)).toEqual([early, late])
    expect(await store.due(32_000, 1)).toEqual([early])
    const moved = postponeLook(early, 90_000)
    await store.replace(moved)
    expect(await store.due(90_000, 9)).toEqual([late, future, moved])
  })

  describe('a list', () => {
    test('contains each operation once over all pages, the newest first', async () => {
      const store = await open()
      // Two are of the same millisecond, so the id decides their order.
      for (const at of [1_000, 3_000, 2_000, 3_000, 1_500]) {
        await store.claim(accept(claim(), by(at)), noQuota)
      }
      const all = await store.list({ limit: 100 })
      expect(all.map(({ createdAt }) => createdAt)).toEqual([3_000, 3_000, 2_000, 1_500, 1_000])
      const pages = []
      for (let after = all[0]; after; after = pages.at(-1)) {
        pages.push(...(await store.list({ limit: 2, after })))
        if (pages.length >= 4) break
      }
      expect(pages).toEqual(all.slice(1))
    })

    test('is limited to a caller and to a status', async () => {
      const store = await open()
      const mine = accept(claim(), by(1_000))
      const other = accept(claim({ caller: 'key:other' }), by(2_000))
      for (const one of [mine, other]) await store.claim(one, noQuota)
      const done = reject(mine, problem, by(3_000))
      await store.replace(done)
      expect(await store.list({ limit: 9, caller: 'key:ci' })).toEqual([done])
      expect(await store.list({ limit: 9, status: 'accepted' })).toEqual([other])
      expect(await store.list({ limit: 9, status: 'accepted', caller: 'key:ci' })).toEqual([])
    })
  })

  test('an operation that is not live takes only its key, even if another holds the name', async () => {
    const store = await open()
    const holder = accept(claim({ name: 'web' }), by(1_000))
    await store.claim(holder, noQuota)
    const dead = reject(
      accept(claim({ name: 'web', keyHash: 'dead' }), by(2_000)),
      problem,
      by(2_000),
    )
    expect(await store.claim(dead, noQuota)).toEqual({ outcome: 'ok' })
    expect(await store.read(dead.operationId)).toEqual(dead)
    expect(await store.holderOf('KR', 'web')).toEqual(holder)
    const again = accept(claim({ keyHash: 'dead' }), by(3_000))
    expect(await store.claim(again, noQuota)).toEqual({ outcome: 'key-held', holder: dead })
  })

  describe('notices', () => {
    test('are stored with a claim, a change or the record of jobs, or not at all', async () => {
      const store = await open()
      const first = accept(claim({ keyHash: 'same' }), by(1_000))
      await store.claim(first, noQuota, [notice('of-claim', 1)])
      await store.claim(accept(claim({ keyHash: 'same' }), by(1_000)), noQuota, [notice('lost', 1)])
      const next = reject(first, problem, by(2_000))
      expect(await store.replace(next, [notice('of-change', 2)])).toBe(true)
      expect(await store.replace(next, [notice('of-nothing', 2)])).toBe(false)
      expect(await store.replaceJobs(jobsRecord(1), [notice('of-jobs', 3)])).toBe(true)
      expect(await store.replaceJobs(jobsRecord(1), [notice('of-no-jobs', 3)])).toBe(false)
      const ids = (await store.dueNotices('ops', 9, 9)).map(({ id }) => id)
      expect(ids).toEqual(['of-claim', 'of-change', 'of-jobs'])
    })

    test('are stored up to the maximum number', async () => {
      const store = await open()
      const first = accept(claim(), by(1_000))
      const many = (count: number, of: string) =>
        Array.from({ length: count }, (_, no) => notice(`${of}-${no}`, 1))
      // The maximum that an operation or a tick adds.
      await store.claim(first, noQuota, many(20, 'claim'))
      expect(await store.replace(reject(first, problem, by(2_000)), many(20, 'change'))).toBe(true)
      expect(await store.replaceJobs(jobsRecord(1), many(80, 'jobs'))).toBe(true)
      expect(await store.dueNotices('ops', 9, 200)).toHaveLength(120)
    })

    test('are listed by target when they are due, the earliest first', async () => {
      const store = await open()
      const all = [notice('b', 20), notice('a', 10), notice('c', 30), notice('a', 10, 'others')]
      await store.replaceJobs(jobsRecord(1), all)
      expect(await store.dueNotices('ops', 20, 9)).toEqual([notice('a', 10), notice('b', 20)])
      expect(await store.dueNotices('ops', 20, 1)).toEqual([notice('a', 10)])
      expect(await store.dueNotices('others', 99, 9)).toEqual([notice('a', 10, 'others')])
      expect(await store.dueNotices('nobody', 99, 9)).toEqual([])
    })

    test('are added once, with their first version', async () => {
      const store = await open()
      const writes = [notice('a', 10), { ...notice('a', 10), tries: 9 }]
      expect((await Promise.all(writes.map(store.replaceNotice))).sort()).toEqual([false, true])
      expect(await store.replaceNotice(notice('a', 10, 'others'))).toBe(true)
      expect(await store.dueNotices('ops', 10, 9)).toHaveLength(1)
      expect(await store.replaceNotice({ ...notice('b', 10), version: 2 })).toBe(false)
    })

    test('are changed only after the stored version, and are no longer due when they are finished', async () => {
      const store = await open()
      await store.replaceJobs(jobsRecord(1), [notice('a', 10)])
      const booked = { ...notice('a', 50), version: 2, tries: 1 }
      const writes = [store.replaceNotice(booked), store.replaceNotice({ ...booked, tries: 9 })]
      expect((await Promise.all(writes)).sort()).toEqual([false, true])
      expect(await store.dueNotices('ops', 49, 9)).toEqual([])
      expect((await store.dueNotices('ops', 50, 9)).map(({ version }) => version)).toEqual([2])
      expect(await store.replaceNotice({ ...booked, version: 3, dueAt: null })).toBe(true)
      expect(await store.dueNotices('ops', 99, 9)).toEqual([])
      const left = await store.readNotice('ops', 'a')
      expect(left?.dueAt ?? null).toBeNull()
      expect(await store.readNotice('others', 'a')).toBeUndefined()
      // The store remembers a finished notice for a while.
      expect(await store.replaceNotice(notice('a', 10))).toBe(false)
      expect(await store.replaceNotice(notice('a', 10, 'others'))).toBe(true)
    })
  })

  test('the record of jobs exists after the first write, and must follow the stored version', async () => {
    const store = await open()
    expect(await store.readJobs()).toBeUndefined()
    expect(await store.replaceJobs(jobsRecord(2), [])).toBe(false)
    expect(await store.replaceJobs(jobsRecord(1), [])).toBe(true)
    expect(await store.replaceJobs(jobsRecord(2), [])).toBe(true)
    expect(await store.replaceJobs(jobsRecord(2), [])).toBe(false)
    expect(await store.readJobs()).toEqual(jobsRecord(2))
  })
}

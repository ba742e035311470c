import { describe, expect, test } from 'vitest'
import { imageNameHold } from '../../../shared/operations/create-image/holds.ts'
import type { Operation } from '../../../shared/operations/operation.ts'
import {
  accept,
  apply,
  postponeLook,
  reject,
  startAttempt,
} from '../../../shared/operations/transitions.ts'
import { noticeId, noticeRecord } from '../../../shared/outbox/notice.ts'
import type { Store } from '../../../shared/store/store.ts'
import { by, claim, image, jobsRecord, notice } from '../operations/records.ts'
import { NO_QUOTA, replace, replaceJobs, replaceNotice } from './writes.ts'

const problem = { code: 'upstream-refused' as const, detail: 'x' }

/** Tests the rules for all stores, with a new store for each test. */
export function storeSuite(open: () => Promise<Store>) {
  test('returns a claimed operation completely', async () => {
    const store = await open()
    const operation = accept(claim(), by(1_000))
    expect(await store.claim(operation, NO_QUOTA)).toEqual({ outcome: 'ok' })
    expect(await store.get('operation', operation.operationId)).toEqual(operation)
    expect(await store.holder(imageNameHold('KR', operation.name))).toEqual(operation)
    expect(await store.get('operation', 'op_none')).toBeUndefined()
  })

  test('allows one operation for a key', async () => {
    const store = await open()
    const first = accept(claim({ keyHash: 'same' }), by(1_000))
    await store.claim(first, NO_QUOTA)
    const second = await store.claim(accept(claim({ keyHash: 'same' }), by(2_000)), NO_QUOTA)
    expect(second).toEqual({ outcome: 'held', holder: first })
  })

  test('allows one live operation for a name in a region', async () => {
    const store = await open()
    const first = accept(claim({ name: 'web' }), by(1_000))
    await store.claim(first, NO_QUOTA)
    const second = await store.claim(accept(claim({ name: 'web' }), by(2_000)), NO_QUOTA)
    expect(second).toEqual({ outcome: 'held', holder: first })
    const elsewhere = claim({ name: 'web', regionCode: 'JPN' })
    expect(await store.claim(accept(elsewhere, by(2_000)), NO_QUOTA)).toEqual({
      outcome: 'ok',
    })
  })

  test('releases a name when its operation is rejected or its image is lost', async () => {
    const store = await open()
    const first = accept(claim({ name: 'web' }), by(1_000))
    await store.claim(first, NO_QUOTA)
    await replace(store, reject(first, problem, by(2_000)))
    const second = accept(claim({ name: 'web' }), by(3_000))
    expect(await store.claim(second, NO_QUOTA)).toEqual({ outcome: 'ok' })
    const sent = startAttempt(second, 3_000, by(3_000))
    await replace(store, sent)
    await replace(store, apply(sent, image('failed'), by(4_000)))
    const third = accept(claim({ name: 'web' }), by(5_000))
    expect(await store.claim(third, NO_QUOTA)).toEqual({ outcome: 'ok' })
    expect(await store.holder(imageNameHold('KR', 'web'))).toEqual(third)
  })

  test.each([
    [true, 'held'],
    [false, 'ok'],
  ])('a rejected operation keeps its key if it is explicit: %j', async (keyIsExplicit, outcome) => {
    const store = await open()
    const first = accept(claim({ keyHash: 'same', keyIsExplicit }), by(1_000))
    await store.claim(first, NO_QUOTA)
    await replace(store, reject(first, problem, by(2_000)))
    const second = accept(claim({ keyHash: 'same', keyIsExplicit }), by(3_000))
    expect(await store.claim(second, NO_QUOTA)).toMatchObject({ outcome })
  })

  test('limits the operations of a caller per day, rejected ones included', async () => {
    const store = await open()
    const quota = { quota: { max: 2, since: 1_000 } }
    await store.claim(accept(claim(), by(999)), quota)
    const counted = accept(claim(), by(1_000))
    expect(await store.claim(counted, quota)).toEqual({ outcome: 'ok' })
    await replace(store, reject(counted, problem, by(1_001)))
    await store.claim(accept(claim(), by(1_002)), quota)
    expect(await store.claim(accept(claim(), by(1_003)), quota)).toEqual({
      outcome: 'quota-spent',
    })
    const others = accept(claim({ caller: 'key:other' }), by(1_003))
    expect(await store.claim(others, quota)).toEqual({ outcome: 'ok' })
  })

  test('checks the quota last', async () => {
    const store = await open()
    const quota = { quota: { max: 1, since: 0 } }
    const first = accept(claim({ name: 'web', keyHash: 'same' }), by(1_000))
    await store.claim(first, quota)
    const outcomes = [claim({ keyHash: 'same' }), claim({ name: 'web' }), claim()].map(
      async (one) => (await store.claim(accept(one, by(2_000)), quota)).outcome,
    )
    expect(await Promise.all(outcomes)).toEqual(['held', 'held', 'quota-spent'])
  })

  test('refuses a write that does not follow the stored version', async () => {
    const store = await open()
    const first = accept(claim(), by(1_000))
    await store.claim(first, NO_QUOTA)
    const one = startAttempt(first, 2_000, by(2_000))
    const other = reject(first, problem, by(2_000))
    expect([await replace(store, one), await replace(store, other)]).toEqual([true, false])
    expect(await store.get('operation', first.operationId)).toEqual(one)
    expect(await replace(store, startAttempt(accept(claim(), by(1)), 1, by(1)))).toBe(false)
  })

  test('accepts one of 100 concurrent claims for one key', async () => {
    const store = await open()
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        store.claim(accept(claim({ keyHash: 'same' }), by(1_000 + i)), NO_QUOTA),
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
    for (const one of [late, early, settled, future]) await store.claim(one, NO_QUOTA)
    await replace(store, reject(settled, problem, by(600)))
    expect(await store.due('operation', { now: 32_000, limit: 9 })).toEqual([early, late])
    expect(await store.due('operation', { now: 32_000, limit: 1 })).toEqual([early])
    const moved = postponeLook(early, 90_000)
    await replace(store, moved)
    expect(await store.due('operation', { now: 90_000, limit: 9 })).toEqual([late, future, moved])
  })

  describe('a list', () => {
    test('contains each operation once over all pages, the newest first', async () => {
      const store = await open()
      // Two are of the same millisecond, so the id decides their order.
      for (const at of [1_000, 3_000, 2_000, 3_000, 1_500]) {
        await store.claim(accept(claim(), by(at)), NO_QUOTA)
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

    test('is limited to a caller or to the runs of a job', async () => {
      const store = await open()
      const mine = accept(claim(), by(1_000))
      const other = accept(claim({ caller: 'key:other' }), by(2_000))
      const run = accept(claim({ run: { job: 'nightly', minute: 9 } }), by(3_000))
      for (const one of [mine, other, run]) await store.claim(one, NO_QUOTA)
      const done = reject(mine, problem, by(4_000))
      await replace(store, done)
      expect(await store.list({ of: { caller: 'key:ci' }, limit: 9 })).toEqual([run, done])
      expect(await store.list({ of: { caller: 'key:ci' }, limit: 9, after: run })).toEqual([done])
      expect(await store.list({ of: { job: 'nightly' }, limit: 9 })).toEqual([run])
      expect(await store.list({ of: { job: 'nightly' }, limit: 9, after: run })).toEqual([])
      expect(await store.list({ of: { job: 'weekly' }, limit: 9 })).toEqual([])
    })
  })

  test('an operation that is not live takes only its key, even if another holds the name', async () => {
    const store = await open()
    const holder = accept(claim({ name: 'web' }), by(1_000))
    await store.claim(holder, NO_QUOTA)
    const dead = reject(
      accept(claim({ name: 'web', keyHash: 'dead' }), by(2_000)),
      problem,
      by(2_000),
    )
    expect(await store.claim(dead, NO_QUOTA)).toEqual({ outcome: 'ok' })
    expect(await store.get('operation', dead.operationId)).toEqual(dead)
    expect(await store.holder(imageNameHold('KR', 'web'))).toEqual(holder)
    const again = accept(claim({ keyHash: 'dead' }), by(3_000))
    expect(await store.claim(again, NO_QUOTA)).toEqual({ outcome: 'held', holder: dead })
  })

  describe('notices', () => {
    test('are stored with a claim, a change or the record of jobs, or not at all', async () => {
      const store = await open()
      const first = accept(claim({ keyHash: 'same' }), by(1_000))
      await store.claim(first, { ...NO_QUOTA, with: [notice('of-claim', 1)].map(noticeRecord) })
      await store.claim(accept(claim({ keyHash: 'same' }), by(1_000)), {
        ...NO_QUOTA,
        with: [notice('lost', 1)].map(noticeRecord),
      })
      const next = reject(first, problem, by(2_000))
      expect(await replace(store, next, [notice('of-change', 2)])).toBe(true)
      expect(await replace(store, next, [notice('of-nothing', 2)])).toBe(false)
      expect(await replaceJobs(store, jobsRecord(1), [notice('of-jobs', 3)])).toBe(true)
      expect(await replaceJobs(store, jobsRecord(1), [notice('of-no-jobs', 3)])).toBe(false)
      const ids = (await store.due('notice', { target: 'ops', now: 9, limit: 9 })).map(
        ({ id }) => id,
      )
      expect(ids).toEqual(['of-claim', 'of-change', 'of-jobs'])
    })

    test('are stored up to the maximum number', async () => {
      const store = await open()
      const first = accept(claim(), by(1_000))
      const many = (count: number, of: string) =>
        Array.from({ length: count }, (_, no) => notice(`${of}-${no}`, 1))
      // The maximum that an operation or a tick adds.
      await store.claim(first, { ...NO_QUOTA, with: many(20, 'claim').map(noticeRecord) })
      expect(await replace(store, reject(first, problem, by(2_000)), many(20, 'change'))).toBe(true)
      expect(await replaceJobs(store, jobsRecord(1), many(80, 'jobs'))).toBe(true)
      expect(await store.due('notice', { target: 'ops', now: 9, limit: 200 })).toHaveLength(120)
    })

    test('are listed by target when they are due, the earliest first', async () => {
      const store = await open()
      const all = [notice('b', 20), notice('a', 10), notice('c', 30), notice('a', 10, 'others')]
      await replaceJobs(store, jobsRecord(1), all)
      expect(await store.due('notice', { target: 'ops', now: 20, limit: 9 })).toEqual([
        notice('a', 10),
        notice('b', 20),
      ])
      expect(await store.due('notice', { target: 'ops', now: 20, limit: 1 })).toEqual([
        notice('a', 10),
      ])
      expect(await store.due('notice', { target: 'others', now: 99, limit: 9 })).toEqual([
        notice('a', 10, 'others'),
      ])
      expect(await store.due('notice', { target: 'nobody', now: 99, limit: 9 })).toEqual([])
    })

    test('are added once, with their first version', async () => {
      const store = await open()
      const writes = [notice('a', 10), { ...notice('a', 10), tries: 9 }]
      expect((await Promise.all(writes.map((one) => replaceNotice(store, one)))).sort()).toEqual([
        false,
        true,
      ])
      expect(await replaceNotice(store, notice('a', 10, 'others'))).toBe(true)
      expect(await store.due('notice', { target: 'ops', now: 10, limit: 9 })).toHaveLength(1)
      expect(await replaceNotice(store, { ...notice('b', 10), version: 2 })).toBe(false)
    })

    test('are changed only after the stored version, and are no longer due when they are finished', async () => {
      const store = await open()
      await replaceJobs(store, jobsRecord(1), [notice('a', 10)])
      const booked = { ...notice('a', 50), version: 2, tries: 1 }
      const writes = [replaceNotice(store, booked), replaceNotice(store, { ...booked, tries: 9 })]
      expect((await Promise.all(writes)).sort()).toEqual([false, true])
      expect(await store.due('notice', { target: 'ops', now: 49, limit: 9 })).toEqual([])
      expect(
        (await store.due('notice', { target: 'ops', now: 50, limit: 9 })).map(
          ({ version }) => version,
        ),
      ).toEqual([2])
      expect(await replaceNotice(store, { ...booked, version: 3, dueAt: null })).toBe(true)
      expect(await store.due('notice', { target: 'ops', now: 99, limit: 9 })).toEqual([])
      const left = await store.get('notice', noticeId('ops', 'a'))
      expect(left?.dueAt ?? null).toBeNull()
      expect(await store.get('notice', noticeId('others', 'a'))).toBeUndefined()
      // The store remembers a finished notice for a while.
      expect(await replaceNotice(store, notice('a', 10))).toBe(false)
      expect(await replaceNotice(store, notice('a', 10, 'others'))).toBe(true)
    })
  })

  test('a commit stores all of its records or none', async () => {
    const store = await open()
    const [first, second] = [accept(claim(), by(1_000)), accept(claim(), by(1_000))]
    for (const one of [first, second]) await store.claim(one, NO_QUOTA)
    const next = (one: Operation) => ({
      type: 'operation' as const,
      record: reject(one, problem, by(2_000)),
    })
    const late = { type: 'operation' as const, record: { ...second, version: 3 } }
    expect(await store.commit([next(first), late])).toBe(false)
    expect(await store.get('operation', first.operationId)).toEqual(first)
    const known = notice('a', 10)
    await replaceNotice(store, known)
    expect(await store.commit([next(first), noticeRecord(known)])).toBe(false)
    expect(await store.get('operation', first.operationId)).toEqual(first)
    expect(await store.commit([next(first), next(second)])).toBe(true)
    for (const one of [first, second]) {
      expect(await store.get('operation', one.operationId)).toEqual(next(one).record)
    }
  })

  test('the record of jobs exists after the first write, and must follow the stored version', async () => {
    const store = await open()
    expect(await store.get('jobs', 'all')).toBeUndefined()
    expect(await replaceJobs(store, jobsRecord(2), [])).toBe(false)
    expect(await replaceJobs(store, jobsRecord(1), [])).toBe(true)
    expect(await replaceJobs(store, jobsRecord(2), [])).toBe(true)
    expect(await replaceJobs(store, jobsRecord(2), [])).toBe(false)
    expect(await store.get('jobs', 'all')).toEqual(jobsRecord(2))
  })
}

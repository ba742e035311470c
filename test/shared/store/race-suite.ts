import { expect, test } from 'vitest'
import type { Context } from '../../../shared/context.ts'
import type { Image } from '../../../shared/image.ts'
import type { Gateway } from '../../../shared/ncloud/gateway.ts'
import type { CreateImageInput } from '../../../shared/operations/create-image/content.ts'
import { createImage } from '../../../shared/operations/create-image/kind.ts'
import type { OperationRequest } from '../../../shared/operations/request.ts'
import { startOperation } from '../../../shared/operations/start.ts'
import type { Store } from '../../../shared/store/store.ts'
import { image } from '../operations/records.ts'

type Request = OperationRequest<CreateImageInput>

const CALLERS = 200
const NOW = Date.UTC(2026, 10, 21, 12)

/** Tests the rules for all stores with concurrent requests, in a number of rounds. */
export function raceSuite(open: () => Promise<Store>, rounds: number) {
  test(`makes one create for ${CALLERS} concurrent requests with one key, in ${rounds} rounds`, async () => {
    const { context, made } = stage(await open())
    for (let round = 0; round < rounds; round++) {
      const requests = Array.from({ length: CALLERS }, () =>
        requestFor(`one-${round}`, `key-${round}`),
      )
      const results = await createAll(requests, context)
      expect(new Set(results.map(({ operation }) => operation?.operationId)).size).toBe(1)
      expect(results.filter(({ isReplay }) => isReplay === false)).toHaveLength(1)
      expect(made(`one-${round}`)).toBe(1)
    }
  })

  test(`makes one create for ${CALLERS} concurrent requests with one name and different keys, in ${rounds} rounds`, async () => {
    const { context, made } = stage(await open())
    for (let round = 0; round < rounds; round++) {
      const requests = Array.from({ length: CALLERS }, (_, i) =>
        requestFor(`own-${round}`, `key-${round}-${i}`),
      )
      const results = await createAll(requests, context)
      expect(results.filter(({ operation }) => operation)).toHaveLength(1)
      expect(results.filter(({ code }) => code === 'name-taken')).toHaveLength(CALLERS - 1)
      expect(made(`own-${round}`)).toBe(1)
    }
  })

  test(`allows 5 of ${CALLERS} concurrent requests with a quota of 5, in ${rounds} rounds`, async () => {
    const { context } = stage(await open())
    for (let round = 0; round < rounds; round++) {
      const requests = Array.from({ length: CALLERS }, (_, i) =>
        requestFor(`day-${round}-${i}`, undefined, `key:${round}`, 5),
      )
      const results = await createAll(requests, context)
      expect(results.filter(({ operation }) => operation)).toHaveLength(5)
      expect(results.filter(({ code }) => code === 'quota-exceeded')).toHaveLength(CALLERS - 5)
    }
  })
}

function requestFor(
  name: string,
  key?: string,
  caller = 'key:ci',
  dailyCreations?: number,
): Request {
  return {
    caller: { name: caller, scopes: [], dailyCreations },
    key: key === undefined ? undefined : { origin: 'idempotency-key', value: key },
    regionCode: 'KR',
    kind: createImage,
    input: { name, storages: [{ snapshotNo: '1' }] },
    notify: [],
  }
}

interface Result {
  operation?: { operationId: string }
  isReplay?: boolean
  code?: string
}

function createAll(requests: Request[], context: Context): Promise<Result[]> {
  return Promise.all(
    requests.map((one) => startOperation(one, context).catch(({ code }): Result => ({ code }))),
  )
}

/** Sets up a store and a gateway that creates every image it is sent, and lists it. */
function stage(store: Store) {
  const images: Image[] = []
  const gateway: Gateway = {
    read: async (_, query) => {
      const { name, imageNo } = query as { name?: string; imageNo?: string }
      if (imageNo !== undefined) return images.find((one) => one.imageNo === imageNo) as never
      const rows = images
        .filter((one) => one.name === name)
        .map((one) => ({ image: one, marker: null, type: 'SELF' }))
      return { totalRows: rows.length, rows, gatewayTime: NOW } as never
    },
    sign: async (_, input) => ({
      signedAt: NOW,
      async send() {
        const { name } = input as unknown as { name: string }
        const one = { ...image('ready'), imageNo: String(images.length), name }
        images.push(one)
        return one as never
      },
    }),
    renew: async () => {},
  }
  const clock = { now: () => NOW, sleep: async () => {} }
  const context: Context = {
    ...{ relayName: '', site: 'public', gateway, store, clock, targets: [] },
    actor: 'key:ci',
    deadline: NOW + 25_000,
    log: () => {},
  }
  return { context, made: (name: string) => images.filter((one) => one.name === name).length }
}

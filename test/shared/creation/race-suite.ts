import { expect, test } from 'vitest'
import { type CreateRequest, create } from '../../../shared/creation/create.ts'
import type { Ports } from '../../../shared/creation/ports.ts'
import type { CreationStore } from '../../../shared/creation/store.ts'
import type { Image } from '../../../shared/image.ts'
import type { Gateway } from '../../../shared/ncloud/gateway.ts'
import { image } from './records.ts'

const CALLERS = 200
const NOW = Date.UTC(2026, 10, 21, 12)

/** What every store must do when many ask at once, so many times over. */
export function raceSuite(open: () => Promise<CreationStore>, rounds: number) {
  test(`${CALLERS} at once with one key are one create, ${rounds} times`, async () => {
    const { ports, made } = stage(await open())
    for (let round = 0; round < rounds; round++) {
      const wishes = Array.from({ length: CALLERS }, () => wish(`one-${round}`, `key-${round}`))
      const told = await allOf(wishes, ports)
      expect(new Set(told.map(({ creation }) => creation?.creationId)).size).toBe(1)
      expect(told.filter(({ isReplay }) => isReplay === false)).toHaveLength(1)
      expect(made(`one-${round}`)).toBe(1)
    }
  })

  test(`${CALLERS} at once with keys of their own are one create of a name, ${rounds} times`, async () => {
    const { ports, made } = stage(await open())
    for (let round = 0; round < rounds; round++) {
      const wishes = Array.from({ length: CALLERS }, (_, i) =>
        wish(`own-${round}`, `key-${round}-${i}`),
      )
      const told = await allOf(wishes, ports)
      expect(told.filter(({ creation }) => creation)).toHaveLength(1)
      expect(told.filter(({ code }) => code === 'name-taken')).toHaveLength(CALLERS - 1)
      expect(made(`own-${round}`)).toBe(1)
    }
  })

  test(`of ${CALLERS} at once, five pass a quota of five, ${rounds} times`, async () => {
    const { ports } = stage(await open())
    for (let round = 0; round < rounds; round++) {
      const wishes = Array.from({ length: CALLERS }, (_, i) =>
        wish(`day-${round}-${i}`, undefined, `key:${round}`, 5),
      )
      const told = await allOf(wishes, ports)
      expect(told.filter(({ creation }) => creation)).toHaveLength(5)
      expect(told.filter(({ code }) => code === 'quota-exceeded')).toHaveLength(CALLERS - 5)
    }
  })
}

function wish(
  name: string,
  key?: string,
  caller = 'key:ci',
  dailyCreations?: number,
): CreateRequest {
  return {
    caller: { name: caller, scopes: [], dailyCreations },
    key,
    regionCode: 'KR',
    content: { name, storages: [{ snapshotNo: '1' }] },
    notify: [],
  }
}

interface Told {
  creation?: { creationId: string }
  isReplay?: boolean
  code?: string
}

function allOf(wishes: CreateRequest[], ports: Ports): Promise<Told[]> {
  const work = { actor: 'key:ci', deadline: NOW + 25_000, log: () => {} }
  return Promise.all(
    wishes.map((one) => create(one, ports, work).catch(({ code }): Told => ({ code }))),
  )
}

/** A store, and a gateway that makes whatever is sent and lists it. */
function stage(store: CreationStore) {
  const images: Image[] = []
  const gateway: Gateway = {
    read: async (_, query) => {
      const { name } = query as unknown as { name: string }
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
  const ports: Ports = { site: 'public', gateway, store, clock, targets: [] }
  return { ports, made: (name: string) => images.filter((one) => one.name === name).length }
}

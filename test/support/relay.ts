import { expect } from 'vitest'
import { createApp } from '../../functions/app.ts'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import { openSqlite } from '../../functions/platform/node/sqlite-file.ts'
import type { InvocationOptions } from '../../functions/request-log.ts'
import { type Clock, systemClock } from '../../shared/clock.ts'
import { sqliteStore } from '../../shared/creation/sqlite-store.ts'
import type { CreationStore } from '../../shared/creation/store.ts'
import type { LogEvent } from '../../shared/log.ts'
import { parseSettings } from '../../shared/settings.ts'
import type { Transport } from '../../shared/transport.ts'
import { type Gateway, type GatewayOptions, openGateway } from '../gateway/gateway.ts'
import { sharedLoginIds } from '../gateway/member-server-images.ts'
import { leakSearch, secrets } from './canaries.ts'
import { assertDocumented } from './contract.ts'
import { entries, keyOf } from './keys.ts'

/** What a request to the relay is made of; `as` is the id of a caller of the tests. */
export interface Asked {
  method?: string
  as?: string
  headers?: Record<string, string>
  body?: unknown
}

/** An answer, read. */
export interface Answered {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came, and fail where it is not there
  json: any
}

/** A relay in this process, with its gateway; every answer and log line passes the checks that hold everywhere. */
export interface Relay {
  gateway: Gateway
  store: CreationStore
  log: LogEvent[]
  /** The documented responses that came. */
  produced: Set<string>
  request(path: string, asked?: Asked): Promise<Answered>
  create(body: unknown, asked?: Asked): Promise<Answered>
  /** What the minute's timer does. */
  tick(options?: InvocationOptions): Promise<void>
  /** What an event does that names a job. */
  run(event: unknown): Promise<void>
  close(): Promise<void>
}

/** How to open a relay; `store: false` is a door that keeps nothing. */
export interface RelayOptions {
  gateway?: GatewayOptions
  environment?: Record<string, unknown>
  clock?: Clock
  transport?: Transport
  database?: string
  store?: CreationStore | false
}

/** The smallest content of a create. */
export const smallest = { name: 'web-golden', storages: [{ snapshotNo: '12344697' }] }

/** Searches for what must never stand in an answer, a log line or a file. */
export const leaksIn = leakSearch({
  ...secrets,
  ...Object.fromEntries(entries.map(({ id }) => [`key of ${id}`, keyOf(id)])),
  ...Object.fromEntries(sharedLoginIds.map((loginId, i) => [`login id ${i}`, loginId])),
})

/** Opens a relay and a gateway for it. */
export async function openRelay(options: RelayOptions = {}): Promise<Relay> {
  const gateway = await openGateway({ ...secrets, readyAfterMs: 0, ...options.gateway })
  const database = openSqlite(options.database ?? ':memory:')
  const log: LogEvent[] = []
  const produced = new Set<string>()
  const store = options.store || sqliteStore(database)
  const app = createApp({
    settings: await parseSettings(environmentFor(gateway.origin, options.environment)),
    ...(options.store !== false && { store }),
    clock: options.clock ?? systemClock,
    transport: options.transport ?? httpTransport(),
    log(event) {
      expect(leaksIn(JSON.stringify(event))).toEqual([])
      log.push(event)
    },
  })

  async function request(path: string, asked: Asked = {}): Promise<Answered> {
    const init = initOf(asked)
    const response = await app.fetch(new Request(`http://relay.test${path}`, init))
    const answered = await read(response)
    const name = assertDocumented({ method: init.method, path }, response, answered.text)
    if (name) produced.add(name)
    return answered
  }

  return {
    gateway,
    store,
    log,
    produced,
    request,
    tick: app.tick,
    run: app.run,
    create: (body, asked) => request('/v1/server-images', { method: 'POST', body, ...asked }),
    async close() {
      await gateway.close()
      database.close()
    },
  }
}

/** The settings of a relay under test. */
export function environmentFor(origin: string, more: Record<string, unknown> = {}) {
  return {
    NCLOUD_ACCESS_KEY: secrets.accessKey,
    NCLOUD_SECRET_KEY: secrets.secretKey,
    NCLOUD_API_GW: origin,
    RELAY_KEYS: JSON.stringify(entries),
    ...more,
  }
}

/** A request's parts as `fetch` takes them. */
export function initOf({ method = 'GET', as = 'ci', headers = {}, body }: Asked) {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  return {
    method,
    headers: {
      ...(as && { authorization: `Bearer ${keyOf(as)}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: isRaw ? (body as string) : JSON.stringify(body) }),
  }
}

/** Reads an answer, and asserts that nothing confidential is in it. */
export async function read(response: Response): Promise<Answered> {
  const text = await response.text()
  const headers = JSON.stringify([...response.headers])
  expect(leaksIn(text + headers)).toEqual([])
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== ''
  const { status } = response
  return { status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
}

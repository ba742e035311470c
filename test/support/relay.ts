import { expect } from 'vitest'
import { createApp } from '../../functions/app.ts'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import { openSqlite } from '../../functions/platform/node/sqlite-file.ts'
import type { InvocationOptions } from '../../functions/request-log.ts'
import type { LogEvent } from '../../shared/log.ts'
import { parseSettings } from '../../shared/settings.ts'
import { sqliteStore } from '../../shared/store/sqlite-store.ts'
import type { Store } from '../../shared/store/store.ts'
import { type Clock, systemClock } from '../../shared/web/clock.ts'
import type { Transport } from '../../shared/web/transport.ts'
import { type Gateway, type GatewayOptions, openGateway } from '../gateway/gateway.ts'
import { sharedLoginIds } from '../gateway/member-server-images.ts'
import { leakSearch, secrets } from './canaries.ts'
import { assertDocumented } from './contract.ts'
import { entries, keyOf } from './keys.ts'

/** The parts of a request to the relay. `as` is the id of a caller in the tests. */
export interface Asked {
  method?: string
  as?: string
  headers?: Record<string, string>
  /** JSON, or text, bytes or a stream that are sent as they are. */
  body?: unknown
  /** The options of the platform, for a relay in this process. */
  options?: InvocationOptions
}

/** An answer with its body. */
export interface Answered {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read any field, and fail if it is missing
  json: any
}

/** A relay in this process with its gateway. Every answer and log line is checked. */
export interface Relay {
  gateway: Gateway
  store: Store
  log: LogEvent[]
  /** The documented responses that were received. */
  produced: Set<string>
  request(path: string, asked?: Asked): Promise<Answered>
  create(body: unknown, asked?: Asked): Promise<Answered>
  /** Does the work of the timer, which fires every minute. */
  tick(options?: InvocationOptions): Promise<void>
  /** Does the work of an event that names a job. */
  run(event: unknown): Promise<void>
  close(): Promise<void>
}

/** The options of a relay. `store: false` means a relay without a store. */
export interface RelayOptions {
  gateway?: GatewayOptions
  environment?: Record<string, unknown>
  clock?: Clock
  transport?: Transport
  database?: string
  store?: Store | false
}

/** The smallest content of a create. */
export const smallest = { name: 'web-golden', storages: [{ snapshotNo: '12344697' }] }

/** Searches for secrets that must never be in an answer, a log line or a file. */
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
    const response = await app.fetch(new Request(`http://relay.test${path}`, init), asked.options)
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

/** Returns the settings of a relay under test. */
export function environmentFor(origin: string, more: Record<string, unknown> = {}) {
  return {
    NCLOUD_ACCESS_KEY: secrets.accessKey,
    NCLOUD_SECRET_KEY: secrets.secretKey,
    NCLOUD_API_GW: origin,
    RELAY_KEYS: JSON.stringify(entries),
    ...more,
  }
}

/** Returns the `fetch` options of a request. */
export function initOf({ method = 'GET', as = 'ci', headers = {}, body }: Asked) {
  const isStream = body instanceof ReadableStream
  const isRaw = typeof body === 'string' || body instanceof Uint8Array || isStream
  return {
    method,
    headers: {
      ...(as && { authorization: `Bearer ${keyOf(as)}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: isRaw ? (body as string) : JSON.stringify(body) }),
    ...(isStream && { duplex: 'half' }),
  }
}

/** Reads an answer, and asserts that it contains no secret. */
export async function read(response: Response): Promise<Answered> {
  const text = await response.text()
  const headers = JSON.stringify([...response.headers])
  expect(leaksIn(text + headers)).toEqual([])
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== ''
  const { status } = response
  return { status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
}

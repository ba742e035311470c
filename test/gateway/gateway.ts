import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { control } from './control.ts'
import type { FaultName } from './faults.ts'
import { judge, pathOf } from './judge.ts'
import { decode, type Parameters } from './parameters.ts'
import type { Answer } from './print.ts'
import type { Keys } from './signature.ts'
import { openWorld, type Settings, type World } from './world.ts'

/** The options of a gateway. `defaults` has the default values. */
export interface GatewayOptions extends Partial<Settings>, Partial<Keys> {
  /** 0 means any free port. */
  port?: number
  /** True if a connection stays open after an answer. */
  keepAlive?: boolean
}

/** A received request, accepted or not. */
export interface Received {
  method: string
  /** The request-target, exactly as in the request line. */
  target: string
  headers: Record<string, string>
  body: string
  /** The last segment of the path. */
  action: string
  /** The decoded parameters of query and form. */
  parameters: Parameters
  /** The time of arrival by the gateway's clock, in ms. */
  at: number
  /** The number of the TCP connection, from 1. */
  connection: number
  /** The number of the request on its connection. Above 1, the connection was reused. */
  ordinal: number
  /** `status/code` if the gateway refused it, 'fault' if a fault answered, else null. */
  refusal: string | null
  /** The number of body bytes that `giant` or `drip` has sent. */
  sent: number
}

/** A fault and the requests that it applies to. They must have a valid signature. */
export interface Injection {
  fault: FaultName | Answer
  /** The action of the request. The default is any action. */
  action?: string
  /** A value that one of the request's parameters must have. The default is any value. */
  of?: string
  /** The number of requests. The default is 1. */
  times?: number
  /** True if a create makes its image before the fault. Otherwise the answer may show an image that does not exist. */
  applied?: boolean
}

/** A running gateway. */
export interface Gateway extends Keys, Pick<World, 'images' | 'memberImages' | 'snapshots'> {
  origin: string
  /** The requests in order of arrival. */
  received: Received[]
  /** The faults that are not used up. */
  pending: Injection[]
  inject(fault: Injection): void
  /** Deletes requests, faults and created rows, and restores the seeds. */
  reset(): void
  /** Replaces the key pair. The old one is no longer accepted. */
  rotate(accessKey: string, secretKey: string): void
  /** Closes at once, with all open connections. */
  close(): Promise<void>
}

const defaults = {
  port: 0,
  keepAlive: true,
  accessKey: 'TestAccessKey',
  secretKey: 'TestSecretKey',
  now: Date.now,
  readyAfterMs: 5000,
  nameFilter: 'substring',
  unknownImage: 'empty',
  duplicateNames: 'allowed',
  listLagMs: 0,
} satisfies Required<GatewayOptions>

/** Opens a simulated NAVER Cloud API gateway on 127.0.0.1. */
export async function openGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const { port, keepAlive, accessKey, secretKey, ...settings } = { ...defaults, ...options }
  const world = openWorld(settings)
  const { images, memberImages, snapshots } = world
  const gateway: Gateway = {
    origin: '',
    accessKey,
    secretKey,
    images,
    memberImages,
    snapshots,
    received: [],
    pending: [],
    inject(fault) {
      gateway.pending.push({ ...fault })
    },
    reset() {
      gateway.received.length = 0
      gateway.pending.length = 0
      for (const shelf of [images, memberImages, snapshots]) shelf.reset()
    },
    rotate(accessKey, secretKey) {
      Object.assign(gateway, { accessKey, secretKey })
    },
    close: () => close(server),
  }
  const server = createAdaptorServer({
    fetch: appOf(gateway, world, keepAlive).fetch,
    overrideGlobalObjects: false,
    // Longer than clients keep an idle connection, so that the two ends do not race to close it.
    serverOptions: { keepAliveTimeout: 65_000 },
  }) as Server
  gateway.origin = await listen(server, port)
  return gateway
}

function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function appOf(gateway: Gateway, world: World, keepAlive: boolean) {
  const app = new Hono<{ Bindings: HttpBindings; Variables: { place: Place } }>()
  const placeOf = countConnections()
  app.use(async function dateAndPlace(c, next) {
    c.set('place', placeOf(c.env.incoming.socket))
    c.env.outgoing.setHeader('Date', new Date(world.now()).toUTCString())
    if (!keepAlive) c.env.outgoing.setHeader('Connection', 'close')
    await next()
  })
  app.route('/control', control(gateway))
  app.all('*', async (c) => {
    const { incoming, outgoing } = c.env
    const body = Buffer.concat(await incoming.toArray())
    const record: Received = { ...recordOf(incoming, body, world), ...c.var.place }
    gateway.received.push(record)
    judge(record, { body, gateway, world })({ incoming, outgoing, record })
    return RESPONSE_ALREADY_SENT
  })
  app.onError((error, c) => c.text(String(error), 500))
  return app
}

type Place = Pick<Received, 'connection' | 'ordinal'>

function countConnections() {
  const places = new WeakMap<Socket, Place>()
  let connections = 0
  return (socket: Socket): Place => {
    const last = places.get(socket) ?? { connection: ++connections, ordinal: 0 }
    const place = { ...last, ordinal: last.ordinal + 1 }
    places.set(socket, place)
    return place
  }
}

function recordOf(incoming: IncomingMessage, bytes: Buffer, world: World) {
  const { method = '', url: target = '' } = incoming
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])
  const body = bytes.toString()
  return {
    method,
    target,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body,
    action: pathOf(target).split('/').at(-1) ?? '',
    parameters: decode(target, body),
    at: world.now(),
    refusal: null,
    sent: 0,
  }
}

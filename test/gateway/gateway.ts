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

/** How to open a gateway; what is left out is as in `defaults`. */
export interface GatewayOptions extends Partial<Settings>, Partial<Keys> {
  /** 0 for any free one. */
  port?: number
  /** Whether a connection stays open after an answer. */
  keepAlive?: boolean
}

/** A request that arrived, whatever became of it. */
export interface Received {
  method: string
  /** The request-target as it stood in the request line. */
  target: string
  headers: Record<string, string>
  body: string
  /** The last segment of the path. */
  action: string
  /** Decoded, from query and form. */
  parameters: Parameters
  /** By the gateway's clock, ms. */
  at: number
  /** The number of the TCP connection, from 1. */
  connection: number
  /** The number of the request on its connection: over 1 means the connection was reused. */
  ordinal: number
  /** `status/code` if the gateway refused it, 'fault' if a fault answered, else null. */
  refusal: string | null
  /** How many bytes of the body `giant` and `drip` have got rid of. */
  sent: number
}

/** A fault and the requests it waits for: those with a good signature. */
export interface Injection {
  fault: FaultName | Answer
  /** Any action unless named. */
  action?: string
  /** Those that name this, as any parameter's value; all unless said. */
  of?: string
  /** How many requests; 1 unless said. */
  times?: number
  /** Whether a create makes its image before the fault answers; if not, an answer may tell of none. */
  applied?: boolean
}

/** A running gateway. */
export interface Gateway extends Keys, Pick<World, 'images' | 'memberImages' | 'snapshots'> {
  origin: string
  /** In order of arrival. */
  received: Received[]
  /** The faults not used up yet. */
  pending: Injection[]
  inject(fault: Injection): void
  /** Forgets requests, faults and what was made; the seeds are new again. */
  reset(): void
  /** From now on only this pair is accepted. */
  rotate(accessKey: string, secretKey: string): void
  /** Ends at once, whatever is under way. */
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

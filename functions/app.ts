import type { Context } from 'hono'
import { HonoBase } from 'hono/hono-base'
import { TrieRouter } from 'hono/router/trie-router'
import { type Caller, openKeyring } from '../shared/caller.ts'
import { type Clock, systemClock } from '../shared/clock.ts'
import type { CreationStore } from '../shared/creation/store.ts'
import { type Log, problemSeen } from '../shared/log.ts'
import { type CredentialsSource, openGateway } from '../shared/ncloud/gateway.ts'
import { readImage, readMemberServerImage, readServerImage } from '../shared/ncloud/reads.ts'
import type { Transport } from '../shared/ncloud/transport.ts'
import { type FieldError, Problem } from '../shared/problem.ts'
import type { parseSettings, Settings } from '../shared/settings.ts'
import { authenticate } from './authenticate.ts'
import type { Call } from './call.ts'
import {
  CreateBody,
  CreateQuery,
  CreationAddress,
  CreationsQuery,
  createImage,
  creationById,
  listCreations,
  ResolutionBody,
  resolveConflict,
} from './creations.ts'
import {
  ImageAddress,
  ImagesQuery,
  imageBy,
  imagesByName,
  SnapshotsQuery,
  snapshotsBy,
} from './images.ts'
import openapi from './openapi.json' with { type: 'json' }
import { type Env, mustBeAcceptable, type Reply, reply, replyProblem, type Trace } from './reply.ts'
import { get, post } from './route.ts'
import { tick } from './tick.ts'
import { idempotencyKeyOf, waitSecondsOf } from './validate.ts'

/** All work and waiting for one request end by then. */
const REQUEST_MS = 25_000

/** The relay's routes: who may ask, what is asked, and what answers. */
export const ROUTES = [
  get('/v1/member-server-images/:no', 'images:read', ImageAddress, imageBy(readMemberServerImage)),
  get('/v1/server-images/:no', 'images:read', ImageAddress, imageBy(readServerImage)),
  get('/v1/images/:no', 'images:read', ImageAddress, imageBy(readImage)),
  get('/v1/images', 'images:read', ImagesQuery, imagesByName),
  get('/v1/snapshots', 'images:read', SnapshotsQuery, snapshotsBy),
  post('/v1/server-images', 'images:create', CreateQuery, CreateBody, createImage),
  get('/v1/creations/:id', 'images:read', CreationAddress, creationById),
  get('/v1/creations', 'images:read', CreationsQuery, listCreations),
  post(
    '/v1/creations/:id/resolution',
    'images:admin',
    CreationAddress,
    ResolutionBody,
    resolveConflict,
  ),
]

const OK: Reply = { status: 200, body: { status: 'ok' }, lines: ['ok'] }

/** What an entry hands to the app. */
export interface Platform {
  settings: ReturnType<typeof parseSettings>
  /** Where creations are kept for good; without one, creates are answered `not-configured`. */
  store?: CreationStore
  log: Log
  clock?: Clock
  /** How the gateway is reached; over `fetch` where nothing else is said. */
  transport?: Transport
  /** Where the key pair comes from, if it may change while the settings hold. */
  credentials?: CredentialsSource
}

/** What a platform knows of one piece of work. */
export interface Occasion {
  /** The platform's own id of the request, where it has one. */
  requestId?: string | undefined
  /** When the platform ends it: milliseconds since the epoch. */
  deadline?: number
}

/** The relay: a web application, and what the minute's timer does. */
export function createApp(platform: Platform) {
  const { settings, clock = systemClock, log } = platform
  const app = new HonoBase<Env>({ router: new TrieRouter() })
  app.onError((error, c) => replyProblem(c, problemSeen(error, log, c.env.requestId)))
  app.notFound(() => {
    throw new Problem('not-found', 'There is no such route')
  })
  publicRoute(app, '/healthz', (c) => reply(c, OK))
  const tickOrFail =
    'errors' in settings
      ? refuse(app, settings.errors, log)
      : serve(app, settings.value, { ...platform, clock })

  return {
    /**
     * To be called each minute. Throws when it could not do its work, so that the platform records a failure; what is
     * thrown says nothing, because platforms print it.
     */
    async tick({ deadline = Number.POSITIVE_INFINITY }: Occasion = {}): Promise<void> {
      try {
        await tickOrFail(deadline)
      } catch (error) {
        const { code } = problemSeen(error, log)
        throw new Error(`The tick failed: ${code}`)
      }
    },
    async fetch(request: Request, occasion: Occasion = {}): Promise<Response> {
      const startedAt = clock.now()
      const { requestId = crypto.randomUUID(), deadline = Number.POSITIVE_INFINITY } = occasion
      const trace: Trace = { requestId, deadline: Math.min(deadline, startedAt + REQUEST_MS) }
      const response = await app.fetch(request, trace)
      const { caller, route = '*', code } = trace
      log({
        event: 'request',
        requestId,
        ...(caller && { caller }),
        action: `${request.method} ${route}`,
        status: response.status,
        milliseconds: clock.now() - startedAt,
        ...(code && { code }),
      })
      return response
    },
  }
}

/** A route that anybody may ask. */
function publicRoute(app: HonoBase<Env>, path: string, answer: (c: Context<Env>) => Response) {
  app.get(path, (c) => {
    c.env.route = path
    return answer(c)
  })
}

/** Serves nothing on faulty settings: tells which are faulty, not their values. Gives a tick that fails. */
function refuse(app: HonoBase<Env>, errors: FieldError[], log: Log) {
  for (const { path, message } of errors) log({ event: 'settings', code: path, detail: message })
  publicRoute(app, '/readyz', () => {
    throw new Problem('not-configured', 'Settings are missing or wrong', { errors })
  })
  app.all('*', () => {
    throw new Problem('not-configured', 'Settings are missing or wrong: see /readyz')
  })
  return async () => {
    throw new Problem('not-configured', 'Settings are missing or wrong')
  }
}

/** Serves the routes: the steps that every request takes, in their order. Gives the tick. */
function serve(app: HonoBase<Env>, settings: Settings, platform: Platform & { clock: Clock }) {
  const { store, clock, log, transport } = platform
  const { site, origin, regionCode, credentials, keys } = settings
  const source = platform.credentials ?? (async () => credentials)
  const gateway = openGateway({ origin, credentials: source, clock, transport })
  const keyring = openKeyring(keys)
  const ports = store && { site, gateway, store, clock }

  // Who forgets them is answered 401 for ever, and by nothing else.
  const isUsable = ({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt > clock.now()
  if (!keys.some(isUsable)) {
    log({ event: 'settings', code: 'RELAY_KEYS', detail: 'holds no key that lets anybody in' })
  }

  publicRoute(app, '/readyz', (c) => reply(c, OK))
  publicRoute(app, '/openapi.json', (c) => reply(c, { status: 200, body: openapi }))
  for (const { method, path, scope, answer } of ROUTES) {
    app.on(method, path, async (c) => {
      c.env.route = path
      const caller = await authenticate(c, keyring, scope, clock.now())
      c.env.caller = caller.name
      mustBeAcceptable(c)
      return reply(c, await answer(c, callOf(c, caller)))
    })
  }
  // What comes this far met its path but not its method.
  for (const path of new Set(app.routes.map((route) => route.path))) {
    const methods = app.routes.filter((route) => route.path === path).map(({ method }) => method)
    const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    app.all(path, () => {
      throw new Problem('method-not-allowed', `The route takes ${allow.join(', ')}`, { allow })
    })
  }

  return async (deadline: number) => {
    if (ports) await tick(ports, log, deadline)
  }

  function callOf(c: Context<Env>, caller: Caller): Call {
    return {
      caller,
      regionCode,
      gateway,
      clock,
      ports,
      waitSeconds: waitSecondsOf(c),
      idempotencyKey: c.req.method === 'POST' ? idempotencyKeyOf(c) : undefined,
      work: {
        actor: caller.name,
        deadline: c.env.deadline,
        log: (event) => log({ ...event, requestId: c.env.requestId, caller: caller.name }),
      },
    }
  }
}

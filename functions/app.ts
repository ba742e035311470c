import type { Context } from 'hono'
import { HonoBase } from 'hono/hono-base'
import { type Caller, openKeyring } from '../shared/caller.ts'
import { type Clock, systemClock } from '../shared/clock.ts'
import { type Teller, tellerOf } from '../shared/creation/deliver.ts'
import { callerOf } from '../shared/creation/run-jobs.ts'
import type { CreationStore } from '../shared/creation/store.ts'
import { type Log, problemSeen } from '../shared/log.ts'
import { type CredentialsSource, openGateway } from '../shared/ncloud/gateway.ts'
import { readImage, readMemberServerImage, readServerImage } from '../shared/ncloud/reads.ts'
import { type FieldError, Problem } from '../shared/problem.ts'
import { laneOf } from '../shared/question.ts'
import type { parseSettings, Settings } from '../shared/settings.ts'
import { fetchTransport, type Transport } from '../shared/transport.ts'
import type { Work } from '../shared/work.ts'
import { authenticate } from './authenticate.ts'
import { type Call, storeless } from './call.ts'
import { openChats } from './chat/chats.ts'
import { answerAt, chatTeller } from './chat/doors.ts'
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
import { JobAddress, JobsQuery, listJobs, RunBody, runJob, runOf } from './jobs.ts'
import openapi from './openapi.json' with { type: 'json' }
import { type Env, mustBeAcceptable, type Reply, reply, replyProblem, type Trace } from './reply.ts'
import { get, post } from './route.ts'
import { PlainRouter } from './router.ts'
import { run, tick } from './tick.ts'
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
  get('/v1/jobs', 'images:read', JobsQuery, listJobs),
  post('/v1/jobs/:name/runs', 'images:create', JobAddress, RunBody, runJob),
]

const OK: Reply = { status: 200, body: { status: 'ok' }, lines: ['ok'] }

/** What an entry hands to the app. */
export interface Platform {
  settings: ReturnType<typeof parseSettings>
  /** Where creations are kept for good; without one, creates are answered `not-configured`. */
  store?: CreationStore
  log: Log
  clock?: Clock
  /** How the gateway and those who are told are reached; over `fetch` where nothing else is said. */
  transport?: Transport
  /** Where the key pair comes from, if it may change while the settings hold. */
  credentials?: CredentialsSource
}

/** What a platform knows of one piece of work. */
export interface Occasion {
  /** The platform's own id of the request, where it has one. */
  requestId?: string | undefined
  /** When it came, if the platform had to do something first: milliseconds since the epoch. */
  startedAt?: number
  /** When the platform ends it: milliseconds since the epoch. */
  deadline?: number
}

/** What is done without a request: until a deadline, in milliseconds since the epoch. */
interface Duties {
  tick(deadline: number): Promise<void>
  run(event: unknown, deadline: number): Promise<void>
}

/** The relay: a web application, what the minute's timer does, and what an event does that names a job. */
export function createApp(platform: Platform) {
  const { settings, clock = systemClock, log } = platform
  const app = new HonoBase<Env>({
    router: new PlainRouter(),
    getPath: routedPath,
  })
  app.onError((error, c) => replyProblem(c, problemSeen(error, log, c.env.requestId)))
  app.notFound(() => {
    throw new Problem('not-found', 'There is no such route')
  })
  publicRoute(app, '/healthz', (c) => reply(c, OK))
  const duties =
    'errors' in settings
      ? refuse(app, settings.errors, log)
      : serve(app, settings.value, { ...platform, clock })

  /** What is thrown makes the platform record a failure, and says nothing, because platforms print it. */
  async function orFail(duty: string, done: Promise<void>): Promise<void> {
    try {
      await done
    } catch (error) {
      const { code } = problemSeen(error, log)
      throw new Error(`The ${duty} failed: ${code}`)
    }
  }

  return {
    /** To be called each minute. Throws when it could not do its work. */
    tick({ deadline = Number.POSITIVE_INFINITY }: Occasion = {}): Promise<void> {
      return orFail('tick', duties.tick(deadline))
    },
    /** Runs the job that an event names, `{"job", "scheduledAt"}`. Throws when it could not. */
    run(event: unknown, { deadline = Number.POSITIVE_INFINITY }: Occasion = {}): Promise<void> {
      return orFail('run', duties.run(event, deadline))
    },
    async fetch(request: Request, occasion: Occasion = {}): Promise<Response> {
      const { requestId = crypto.randomUUID(), startedAt = clock.now() } = occasion
      const { deadline = Number.POSITIVE_INFINITY } = occasion
      const end = Math.min(deadline, startedAt + REQUEST_MS)
      const trace: Trace = { requestId, startedAt, deadline: end }
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

/**
 * The path by which a request is routed. Plain characters may come escaped; all else is left as it is for parameters to
 * decode.
 */
function routedPath({ url }: Request): string {
  // Behind `https://`, or `http://` and a letter. Not parsed again: every read comes by here.
  const [, path = ''] = /[^/]*([^?#]*)/.exec(url.slice(8)) ?? []
  return path.replace(/%(?!25)[0-7][\da-f]/gi, decodeURI)
}

/** A route that anybody may ask. */
function publicRoute(app: HonoBase<Env>, path: string, answer: (c: Context<Env>) => Response) {
  app.get(path, (c) => {
    c.env.route = path
    return answer(c)
  })
}

/** Serves nothing on faulty settings: tells which are faulty, not their values. Its duties fail. */
function refuse(app: HonoBase<Env>, errors: FieldError[], log: Log): Duties {
  for (const { path, message } of errors) log({ event: 'settings', code: path, detail: message })
  publicRoute(app, '/readyz', () => {
    throw new Problem('not-configured', 'Settings are missing or wrong', { errors })
  })
  app.all('*', () => {
    throw new Problem('not-configured', 'Settings are missing or wrong: see /readyz')
  })
  const fail = async () => {
    throw new Problem('not-configured', 'Settings are missing or wrong')
  }
  return { tick: fail, run: fail }
}

/** Serves the routes: the steps that every request takes, in their order. */
function serve(
  app: HonoBase<Env>,
  settings: Settings,
  platform: Platform & { clock: Clock },
): Duties {
  const { store, clock, log, transport = fetchTransport(fetch) } = platform
  const { site, origin, regionCode, credentials, keys, jobs, language } = settings
  const source = platform.credentials ?? (async () => credentials)
  const gateway = openGateway({ origin, credentials: source, clock, transport })
  const keyring = openKeyring(keys)
  const targets = Object.keys(settings.targets)
  const chats = openChats(settings, transport, clock)
  const lanes = chats.map(({ name }) => laneOf(name))
  const ports = store && { site, gateway, store, clock, targets: [...targets, ...lanes] }
  const common = { regionCode, jobs, targets, gateway, clock, ports }
  const desk = {
    ports,
    clock,
    log,
    creators: settings.creators,
    dailyCreations: settings.dailyCreations,
    callOf: (caller: Caller, work: Work): Call => ({ ...common, caller, work }),
  }
  const mail = { language, console: settings.console, transport }
  const tellers: Record<string, Teller> = Object.fromEntries(
    Object.entries(settings.targets).map(([name, target]) => [name, tellerOf(target, mail, clock)]),
  )
  // Who can no longer be reached where they asked may be in a room that has an incoming webhook.
  const room = targets.find((name) => settings.targets[name]?.format === 'slack') ?? ''
  const teller = tellers[room]
  const fallback = teller && { room, teller }

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
  for (const chat of chats) {
    const teller = chatTeller(chat, desk, fallback)
    tellers[laneOf(chat.name)] = teller
    for (const door of chat.doors) {
      const answer = answerAt(door, teller, desk)
      app.post(door.path, async (c) => {
        c.env.route = door.path
        return reply(c, await answer(c))
      })
    }
  }
  // What comes this far met its path but not its method.
  for (const path of new Set(app.routes.map((route) => route.path))) {
    const methods = app.routes.filter((route) => route.path === path).map(({ method }) => method)
    const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    app.all(path, () => {
      throw new Problem('method-not-allowed', `The route takes ${allow.join(', ')}`, { allow })
    })
  }

  const schedules = { jobs, regionCode }
  return {
    async tick(deadline) {
      if (ports) await tick(schedules, tellers, ports, { actor: 'tick', deadline, log })
      else if (jobs.length > 0) throw storeless()
    },
    async run(event, deadline) {
      const { job, at } = runOf(event, jobs)
      if (!ports) throw storeless()
      await run(job, at, schedules, ports, { actor: callerOf(job).name, deadline, log })
    },
  }

  function callOf(c: Context<Env>, caller: Caller): Call {
    return {
      ...common,
      caller,
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

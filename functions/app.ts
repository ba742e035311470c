import { Hono, type Context as HonoContext } from 'hono'
import type { Router } from 'hono/router'
import * as v from 'valibot'
import { runOf } from '../shared/api/jobs.ts'
import type { RequestContext } from '../shared/api/request-context.ts'
import { type Caller, openKeyring } from '../shared/caller.ts'
import { channelTarget } from '../shared/chat/question.ts'
import type { Context } from '../shared/context.ts'
import { callerOf } from '../shared/jobs/runs.ts'
import { type Log, logWith, toProblem } from '../shared/log.ts'
import { type CredentialsSource, openGateway } from '../shared/ncloud/gateway.ts'
import { readImage, readMemberServerImage, readServerImage } from '../shared/ncloud/reads.ts'
import { Digits } from '../shared/ncloud/values.ts'
import { type Notifier, webhookNotifier } from '../shared/outbox/deliver.ts'
import { type FieldError, Problem } from '../shared/problem.ts'
import type { parseSettings, Settings } from '../shared/settings.ts'
import { noStore, type Store } from '../shared/store/store.ts'
import { type Clock, systemClock } from '../shared/web/clock.ts'
import { fetchTransport, type Transport } from '../shared/web/transport.ts'
import { openChats } from './chat/chats.ts'
import { chatNotifier, handle } from './chat/routes.ts'
import { authenticate } from './http/authenticate.ts'
import {
  ImageAddress,
  ImagesQuery,
  imageBy,
  imagesByName,
  SnapshotsQuery,
  snapshotsBy,
} from './http/images.ts'
import { idempotencyKeyOf, waitSecondsOf } from './http/input.ts'
import { JobAddress, JobsQuery, listJobs, RunBody, runJob } from './http/jobs.ts'
import {
  CreateBody,
  CreateQuery,
  createImage,
  listOperations,
  OperationAddress,
  OperationsQuery,
  operationById,
  ResolutionBody,
  resolveConflict,
} from './http/operations.ts'
import { getRoute, postRoute } from './http/route.ts'
import openapi from './openapi.json' with { type: 'json' }
import { mustBeAcceptable, type Reply, reply, replyProblem } from './reply.ts'
import { type Env, type InvocationOptions, requestLog } from './request-log.ts'
import { run, tick } from './tick.ts'

/** The routes that need an API key: the scope they require, their schemas and their handler. */
export const ROUTES = [
  getRoute(
    '/v1/member-server-images/:no',
    'images:read',
    ImageAddress,
    imageBy(readMemberServerImage),
  ),
  getRoute('/v1/server-images/:no', 'images:read', ImageAddress, imageBy(readServerImage)),
  getRoute('/v1/images/:no', 'images:read', ImageAddress, imageBy(readImage)),
  getRoute('/v1/images', 'images:read', ImagesQuery, imagesByName),
  getRoute('/v1/snapshots', 'images:read', SnapshotsQuery, snapshotsBy),
  postRoute('/v1/server-images', 'images:create', CreateQuery, CreateBody, createImage),
  getRoute('/v1/operations/:id', 'images:read', OperationAddress, operationById),
  getRoute('/v1/operations', 'images:read', OperationsQuery, listOperations),
  postRoute(
    '/v1/operations/:id/resolution',
    'images:admin',
    OperationAddress,
    ResolutionBody,
    resolveConflict,
  ),
  getRoute('/v1/jobs', 'images:read', JobsQuery, listJobs),
  postRoute('/v1/jobs/:name/runs', 'images:create', JobAddress, RunBody, runJob),
]

const OK: Reply = { status: 200, body: { status: 'ok' }, lines: ['ok'] }

/** The parts that an entry gives to the app. */
export interface Platform {
  settings: Awaited<ReturnType<typeof parseSettings>>
  /** The durable store of operations; without one, creates are answered `not-configured`. */
  store?: Store
  log: Log
  clock?: Clock
  /** Sends requests to the gateway and to notification targets; `fetch` by default. */
  transport?: Transport
  /** The source of the key pair, if it can change while the settings stay the same. */
  credentials?: CredentialsSource
}

/** The handlers of timer events. Each ends by its deadline, in milliseconds since the epoch. */
interface TimerHandlers {
  tick(deadline: number): Promise<void>
  run(event: unknown, deadline: number): Promise<void>
}

/** Creates the relay: a web application, the work of the minute's timer, and the run of one job. */
export function createApp(platform: Platform) {
  const { settings, clock = systemClock, log } = platform
  const app = new Hono<Env>()
  app.use(requestLog(clock, log))
  app.onError((error, c) => replyProblem(c, toProblem(error, log, c.var.requestId)))
  app.notFound((c) => replyProblem(c, routeProblem(app.router, c.req.path)))
  app.get('/healthz', (c) => reply(c, OK))
  const handlers =
    'errors' in settings
      ? refuse(app, settings.errors, log)
      : serve(app, settings.value, { ...platform, clock })

  /** Throws a bare error: the platform must record a failure, and it prints the message. */
  async function throwBare(name: string, work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      const { code } = toProblem(error, log)
      throw new Error(`The ${name} failed: ${code}`)
    }
  }

  return {
    /** Does the work of one tick; to be called every minute. Throws if the work failed. */
    tick({ deadline = Number.POSITIVE_INFINITY }: InvocationOptions = {}): Promise<void> {
      return throwBare('tick', handlers.tick(deadline))
    },
    /** Runs the job that an event names, `{"job", "scheduledAt"}`. Throws if the run failed. */
    run(event: unknown, { deadline = Number.POSITIVE_INFINITY }: InvocationOptions = {}) {
      return throwBare('run', handlers.run(event, deadline))
    },
    async fetch(request: Request, options: InvocationOptions = {}): Promise<Response> {
      return app.fetch(request, options)
    },
  }
}

/** Returns the problem of a request without a route: the path takes other methods, or none. */
function routeProblem(router: Router<[unknown, { method: string }]>, path: string): Problem {
  const isTaken = (method: string) =>
    router.match(method, path)[0].some(([[, route]]) => route.method === method)
  const allow = [...(isTaken('GET') ? ['GET', 'HEAD'] : []), ...(isTaken('POST') ? ['POST'] : [])]
  return allow.length > 0
    ? new Problem('method-not-allowed', `This route takes ${allow.join(', ')}`, { allow })
    : new Problem('not-found', 'There is no route with this path')
}

/**
 * Answers 503 to all but `/healthz` because of faulty settings. The log and `/readyz` name the settings, without values.
 */
function refuse(app: Hono<Env>, errors: FieldError[], log: Log): TimerHandlers {
  for (const { path, message } of errors) log({ event: 'settings', code: path, detail: message })
  app.get('/readyz', () => {
    throw new Problem('not-configured', 'Some settings are missing or wrong', { errors })
  })
  app.all('*', () => {
    throw new Problem(
      'not-configured',
      'Some settings are missing or wrong. GET /readyz names them',
    )
  })
  const fail = async () => {
    throw new Problem('not-configured', 'Some settings are missing or wrong')
  }
  return { tick: fail, run: fail }
}

/** Registers all routes and returns the handlers of the timer. */
function serve(
  app: Hono<Env>,
  settings: Settings,
  platform: Platform & { clock: Clock },
): TimerHandlers {
  const { store, clock, log, transport = fetchTransport(fetch) } = platform
  const { site, origin, regionCode, credentials, keys, jobs, language } = settings
  const source = platform.credentials ?? (async () => credentials)
  const gateway = openGateway({ origin, credentials: source, clock, transport })
  const keyring = openKeyring(keys)
  const targets = Object.keys(settings.targets)
  const chats = openChats(settings, transport, clock)
  const chatQueues = chats.map(({ name }) => channelTarget(name))
  const relay = {
    ...{ relayName: settings.relayName, site, gateway, clock, store: store ?? noStore },
    targets: [...targets, ...chatQueues],
  }

  function contextFor(caller: Caller, limits: Pick<Context, 'deadline' | 'log'>): RequestContext {
    const requested = { caller, regionCode, jobs, notifyTargets: targets }
    return { ...relay, ...requested, actor: caller.name, ...limits }
  }

  const { creators, dailyCreations } = settings
  const chatContext = { clock, log, creators, dailyCreations, contextFor }
  const notificationOptions = { language, console: settings.console, transport }
  const notifiers: Record<string, Notifier> = Object.fromEntries(
    Object.entries(settings.targets).map(([name, target]) => [
      name,
      webhookNotifier(target, notificationOptions, clock),
    ]),
  )
  // The incoming webhook of the first Slack target is the fallback of a chat that can no longer be answered.
  const fallbackTarget = targets.find((name) => settings.targets[name]?.format === 'slack')
  const notifier = fallbackTarget === undefined ? undefined : notifiers[fallbackTarget]
  const fallback =
    fallbackTarget !== undefined && notifier ? { room: fallbackTarget, notifier } : undefined

  // Without a usable key every request gets 401, and nothing else hints at why.
  const isUsable = ({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt > clock.now()
  if (!keys.some(isUsable)) {
    log({ event: 'settings', code: 'RELAY_KEYS', detail: 'has no key that is valid now' })
  }

  app.get('/readyz', (c) => reply(c, OK))
  app.get('/openapi.json', (c) => reply(c, { status: 200, body: openapi }))
  for (const { method, path, scope, answer } of ROUTES) {
    app.on(method, path, async (c) => {
      const caller = await authenticate(c, keyring, scope, clock.now())
      c.set('caller', caller.name)
      const imageNo = c.req.param('no')
      if (imageNo && v.is(Digits, imageNo)) c.set('imageNo', imageNo)
      mustBeAcceptable(c)
      return reply(c, await answer(c, requestContext(c, caller)))
    })
  }
  for (const chat of chats) {
    const notifier = chatNotifier(chat, chatContext, fallback)
    notifiers[channelTarget(chat.name)] = notifier
    for (const route of chat.routes) {
      const answer = handle(route, notifier, chatContext)
      app.post(route.path, async (c) => reply(c, await answer(c)))
    }
  }

  const schedules = { jobs, regionCode }
  return {
    async tick(deadline) {
      if (!store && jobs.length === 0) return
      await tick(schedules, notifiers, { ...relay, actor: 'tick', deadline, log })
    },
    async run(event, deadline) {
      const { job, at } = runOf(event, jobs)
      const context = { ...relay, actor: callerOf(job).name, deadline, log }
      await run(job, at, schedules, context)
    },
  }

  function requestContext(c: HonoContext<Env>, caller: Caller): RequestContext {
    const { deadline, requestId } = c.var
    return {
      ...contextFor(caller, { deadline, log: logWith({ requestId, caller: caller.name }, log) }),
      waitSeconds: waitSecondsOf(c),
      key: c.req.method === 'POST' ? idempotencyKeyOf(c) : undefined,
    }
  }
}

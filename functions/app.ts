import { Hono } from 'hono'
import type { Router } from 'hono/router'
import * as v from 'valibot'
import { type Log, logWith, toProblem } from '../shared/log.ts'
import { Digits } from '../shared/ncloud/values.ts'
import { type FieldError, Problem, problemList } from '../shared/problem.ts'
import type { Settings } from '../shared/settings.ts'
import { type Clock, systemClock } from '../shared/web/clock.ts'
import { handle } from './chat/routes.ts'
import { compose, type Platform, type TimerHandlers } from './compose.ts'
import { authenticate } from './http/authenticate.ts'
import { idempotencyKeyOf, waitSecondsOf } from './http/input.ts'
import type { Route } from './http/route.ts'
import { ROUTES } from './http/routes.ts'
import { openPolls, type Polls } from './http/wait.ts'
import openapi from './openapi.json' with { type: 'json' }
import { openReadiness } from './readiness.ts'
import { refuseMalformed } from './refuse-malformed.ts'
import { mustBeAcceptable, type Reply, reply, replyProblem } from './reply.ts'
import { type Env, type InvocationOptions, requestLog } from './request-log.ts'

const OK: Reply = { status: 200, body: { status: 'ok' }, lines: ['ok'] }

const ABOUT = {
  name: openapi.info.title,
  version: openapi.info.version,
  links: { openapi: '/openapi.json', problems: '/problems', health: '/healthz', ready: '/readyz' },
}

const PROBLEMS: Reply = {
  status: 200,
  body: { items: problemList() },
  lines: problemList().map(({ code, status, title }) => `${code} ${status} ${title}`),
}

/** Creates the relay: a web application, the work of the minute's timer, and the run of one job. */
export function createApp(platform: Platform) {
  const { settings, clock = systemClock, log } = platform
  const app = new Hono<Env>()
  app.use(requestLog(clock, log))
  app.use(refuseMalformed)
  app.onError((error, c) => replyProblem(c, toProblem(error, log, c.var.requestId)))
  app.notFound((c) => replyProblem(c, routeProblem(app.router, c.req.path)))
  app.get('/', (c) => reply(c, { status: 200, body: ABOUT }))
  app.get('/healthz', (c) => reply(c, OK))
  app.get('/openapi.json', (c) => reply(c, { status: 200, body: openapi }))
  app.get('/problems', (c) => reply(c, PROBLEMS))
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
 * Answers 503 to all but the public routes because of faulty settings. The log and `/readyz` name the settings, without values.
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
  const relay = compose(settings, platform)
  warnWithoutKey(settings, platform)
  const readiness = openReadiness(relay)
  app.get('/readyz', async (c) => reply(c, await readiness()))
  const polls = openPolls()
  for (const route of ROUTES) mountRoute(app, route, { ...relay, polls }, platform)
  for (const chat of relay.chats) {
    for (const route of chat.routes) {
      const answer = handle(route, chat.notifier, relay.chatContext)
      app.post(route.path, async (c) => reply(c, await answer(c)))
    }
  }
  return relay.timer
}

/** Logs that no key is valid: then every request gets 401, and nothing else hints at why. */
function warnWithoutKey({ keys }: Settings, { clock, log }: Platform & { clock: Clock }): void {
  const isUsable = ({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt > clock.now()
  if (keys.some(isUsable)) return
  log({ event: 'settings', code: 'RELAY_KEYS', detail: 'has no key that is valid now' })
}

/** Registers a route that needs an API key: authenticates, then lets the route validate and answer. */
function mountRoute(
  app: Hono<Env>,
  { method, path, row, answer }: Route,
  { keyring, contextFor, polls }: ReturnType<typeof compose> & { polls: Polls },
  { clock, log }: Platform & { clock: Clock },
): void {
  app.on(method, path, async (c) => {
    const { deadline, requestId } = c.var
    const caller = await authenticate(c, keyring, row.scope, clock.now())
    c.set('caller', caller.name)
    const imageNo = c.req.param('no')
    if (imageNo && v.is(Digits, imageNo)) c.set('imageNo', imageNo)
    mustBeAcceptable(c)
    const context = {
      ...contextFor(caller, { deadline, log: logWith({ requestId, caller: caller.name }, log) }),
      waitSeconds: waitSecondsOf(c),
      polls,
      key: method === 'POST' ? idempotencyKeyOf(c) : undefined,
    }
    return reply(c, await answer(c, context))
  })
}

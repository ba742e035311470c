import { runOf } from '../shared/api/jobs.ts'
import type { RequestContext } from '../shared/api/request-context.ts'
import { type Caller, openKeyring } from '../shared/caller.ts'
import { channelTarget } from '../shared/chat/command.ts'
import type { Context } from '../shared/context.ts'
import { callerOf } from '../shared/jobs/runs.ts'
import type { Log } from '../shared/log.ts'
import { type CredentialsSource, openGateway } from '../shared/ncloud/gateway.ts'
import { type Notifier, webhookNotifier } from '../shared/outbox/deliver.ts'
import type { parseSettings, Settings } from '../shared/settings.ts'
import { noStore, type Store, withOneFailure } from '../shared/store/store.ts'
import type { Clock } from '../shared/web/clock.ts'
import { fetchTransport, type Transport } from '../shared/web/transport.ts'
import { openChats } from './chat/chats.ts'
import { chatNotifier } from './chat/routes.ts'
import { run, tick } from './tick.ts'

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
export interface TimerHandlers {
  tick(deadline: number): Promise<void>
  run(event: unknown, deadline: number): Promise<void>
}

/** Builds the parts of a relay with valid settings: its gateway, callers, chats, notifiers and the work of the timer. */
export function compose(settings: Settings, platform: Platform & { clock: Clock }) {
  const { store, clock, log, transport = fetchTransport(fetch) } = platform
  const { relayName, site, origin, regionCode, credentials, keys, jobs } = settings
  const source = platform.credentials ?? (async () => credentials)
  const gateway = openGateway({ origin, credentials: source, clock, transport })
  const notifyTargets = Object.keys(settings.targets)
  const chats = openChats(settings, transport, clock)
  const targets = [...notifyTargets, ...chats.map(({ name }) => channelTarget(name))]
  const relay = {
    relayName,
    site,
    gateway,
    store: store ? withOneFailure(store) : noStore,
    clock,
    targets,
  }

  function contextFor(caller: Caller, limits: Pick<Context, 'deadline' | 'log'>): RequestContext {
    const requested = { caller, regionCode, jobs, notifyTargets }
    return { ...relay, ...requested, actor: caller.name, ...limits }
  }

  const { creators, dailyCreations } = settings
  const chatContext = { clock, log, creators, dailyCreations, contextFor }
  const webhooks = webhookNotifiers(settings, transport, clock)
  const fallback = fallbackOf(settings, webhooks)
  const answeredChats = chats.map((chat) => {
    return { ...chat, notifier: chatNotifier(chat, chatContext, fallback) }
  })
  const notifiers = {
    ...webhooks,
    ...Object.fromEntries(
      answeredChats.map(({ name, notifier }) => [channelTarget(name), notifier]),
    ),
  }
  const schedules = { jobs, regionCode }

  const timer: TimerHandlers = {
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
  const keyring = openKeyring(keys)
  return { ...relay, keyring, chats: answeredChats, chatContext, contextFor, timer }
}

/** Returns the notifier of each webhook, by the name of its target. */
function webhookNotifiers(
  { targets, language, console }: Settings,
  transport: Transport,
  clock: Clock,
): Record<string, Notifier> {
  const options = { language, console, transport }
  return Object.fromEntries(
    Object.entries(targets).map(([name, target]) => [
      name,
      webhookNotifier(target, options, clock),
    ]),
  )
}

/** Returns the first Slack webhook: it gets the ends whose chat can no longer be reached. */
function fallbackOf({ targets }: Settings, webhooks: Record<string, Notifier>) {
  const room = Object.keys(targets).find((name) => targets[name]?.format === 'slack')
  const notifier = room === undefined ? undefined : webhooks[room]
  return room !== undefined && notifier ? { room, notifier } : undefined
}

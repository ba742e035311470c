import { jsonLines } from '../shared/log.ts'
import { parseSettings } from '../shared/settings.ts'
import { createApp } from './app.ts'
import { CreationsObject, storeIn } from './platform/cloudflare/creations-object.ts'

interface Bindings extends Record<string, unknown> {
  CREATIONS?: DurableObjectNamespace<CreationsObject>
}

let app: ReturnType<typeof createApp> | undefined

export default {
  fetch(request, bindings, context) {
    // Not at module scope: there a Worker may neither read its bindings nor make random values.
    app ??= open(bindings)
    const response = app.fetch(request, { requestId: rayId(request) })
    // A create goes on though its caller hangs up.
    context.waitUntil(response)
    return response
  },
  async scheduled(_controller, bindings) {
    app ??= open(bindings)
    await app.tick()
  },
} satisfies ExportedHandler<Bindings>

export { CreationsObject }

function open({ CREATIONS, ...environment }: Bindings) {
  return createApp({
    settings: parseSettings(environment),
    ...(CREATIONS && { store: storeIn(CREATIONS) }),
    log: jsonLines(console.log),
  })
}

/** Cloudflare's own id of a request; elsewhere whoever calls could set the header, so its form is asked for. */
function rayId(request: Request): string | undefined {
  return /^[0-9a-f]{16}(-[A-Z]{3})?$/.exec(request.headers.get('cf-ray') ?? '')?.[0]
}

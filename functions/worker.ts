import { jsonLines } from '../shared/log.ts'
import { parseSettings } from '../shared/settings.ts'
import { createApp } from './app.ts'
import { OperationsObject, storeIn } from './platform/cloudflare/operations-object.ts'

interface Bindings extends Record<string, unknown> {
  OPERATIONS?: DurableObjectNamespace<OperationsObject>
}

let app: ReturnType<typeof createApp> | undefined

export default {
  async fetch(request, bindings, context) {
    // Not at module scope, where a Worker may neither read its bindings nor use randomness.
    app ??= await open(bindings)
    const response = app.fetch(request, { requestId: rayId(request) })
    // A create continues even if its caller disconnects.
    context.waitUntil(response)
    return response
  },
  async scheduled(_controller, bindings) {
    app ??= await open(bindings)
    await app.tick()
  },
} satisfies ExportedHandler<Bindings>

export { OperationsObject }

async function open({ OPERATIONS, ...environment }: Bindings) {
  return createApp({
    settings: await parseSettings(environment),
    ...(OPERATIONS && { store: storeIn(OPERATIONS) }),
    log: jsonLines(console.log),
  })
}

/** Returns Cloudflare's id of a request. Elsewhere a caller could set the header, so its form is checked. */
function rayId(request: Request): string | undefined {
  return /^[0-9a-f]{16}(-[A-Z]{3})?$/.exec(request.headers.get('cf-ray') ?? '')?.[0]
}

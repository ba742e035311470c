import { Hono } from 'hono'
import * as v from 'valibot'
import { actions } from './actions.ts'
import { type FaultName, faults } from './faults.ts'
import type { Gateway } from './gateway.ts'

const answer = v.strictObject({
  status: v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599)),
  headers: v.exactOptional(v.record(v.string(), v.string())),
  body: v.string(),
})

const injection = v.strictObject({
  fault: v.union([v.picklist(Object.keys(faults) as FaultName[]), answer]),
  action: v.exactOptional(v.picklist([...actions.keys()])),
  of: v.exactOptional(v.string()),
  // Infinity is `null` in JSON.
  times: v.exactOptional(
    v.union([
      v.pipe(v.number(), v.integer(), v.minValue(1)),
      v.pipe(
        v.null(),
        v.transform(() => Infinity),
      ),
    ]),
  ),
  applied: v.exactOptional(v.boolean()),
})

/** Returns the control routes for programs in any language. They need no signature. */
export function control(gateway: Gateway) {
  const app = new Hono()
  app.get('/requests', (c) => c.json(gateway.received))
  app.delete('/requests', (c) => {
    gateway.received.length = 0
    return c.body(null, 204)
  })
  app.post('/faults', async (c) => {
    const parsed = v.safeParse(injection, await c.req.json().catch(() => undefined))
    if (!parsed.success) return c.json({ message: v.summarize(parsed.issues) }, 400)
    gateway.inject(parsed.output)
    return c.body(null, 204)
  })
  app.delete('/faults', (c) => {
    gateway.pending.length = 0
    return c.body(null, 204)
  })
  app.get('/images', (c) => c.json(gateway.images.all()))
  app.post('/reset', (c) => {
    gateway.reset()
    return c.body(null, 204)
  })
  return app
}

import { readFileSync } from 'node:fs'
import { UPSTREAM_PORT } from './ports.ts'

const fixture = '../../test/fixtures/get-member-server-image-instance-detail.json'
const body = readFileSync(new URL(fixture, import.meta.url))
const headers = { 'content-type': 'application/json' }

/** Stands in for the gateway, on Bun, with a fixed answer that costs as little as possible. */
export default {
  hostname: '127.0.0.1',
  port: UPSTREAM_PORT,
  // Seconds: longer than a measured server waits for its turn.
  idleTimeout: 255,
  fetch: () => new Response(body, { headers }),
}

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Code to preload. It makes the timer's minute pass in 1 s, and does not change the clock. */
export const SHORT_MINUTES =
  'const real = setInterval; globalThis.setInterval = (f, ms) => real(f, ms / 60)'

/** The origins that replace some origins, by the replaced ones. */
export type Origins = Record<string, string>

/**
 * Writes a file for Node, Deno or Bun to preload. It sends the requests to some origins elsewhere, as a network might, and
 * makes the timer's minute pass in 1 s. The relay under test does not notice it.
 */
export async function writeElsewhere(folder: string, origins: Origins): Promise<string> {
  const file = join(folder, 'elsewhere.mjs')
  await writeFile(
    file,
    `import http from 'node:http'
import https from 'node:https'
const origins = ${JSON.stringify(origins)}
https.request = ({ origin, pathname, search }, { agent, ...options }) =>
  http.request(new URL(pathname + search, origins[origin] ?? 'http://nowhere.invalid'), options)
${SHORT_MINUTES}
`,
  )
  return file
}

/** Returns two Workers for the one under test: its network, and a front that fires its cron trigger. */
export function workersElsewhere(origins: Origins) {
  const network = `const origins = ${JSON.stringify(origins)}
export default {
  fetch(request) {
    const { origin, pathname, search } = new URL(request.url)
    return fetch(new Request(new URL(pathname + search, origins[origin] ?? origin), request))
  },
}`
  const front = `export default {
  async fetch(request, { RELAY }) {
    if (new URL(request.url).pathname !== '${FIRE_PATH}') return RELAY.fetch(request)
    const { outcome } = await RELAY.scheduled({ cron: '* * * * *', scheduledTime: new Date() })
    return new Response(outcome)
  },
}`
  return { network, front }
}

/** The path at which the front fires the cron trigger of its Worker. */
export const FIRE_PATH = '/test/fire'

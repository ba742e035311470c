import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Preloaded, it makes a minute of the timer's pass in a second; the clock stays as it is. */
export const SHORT_MINUTES =
  'const real = setInterval; globalThis.setInterval = (f, ms) => real(f, ms / 60)'

/** Where some origins really are, by themselves. */
export type Origins = Record<string, string>

/**
 * Writes a file that, preloaded by Node, Deno or Bun, takes the requests to some origins elsewhere, as a network might, and makes a
 * minute of the timer's pass in a second. What is under test knows nothing of it.
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

/** Workers that stand beside the one under test: its network, and a front that fires its cron trigger. */
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

/** What fires the cron trigger of a Worker behind its front. */
export const FIRE_PATH = '/test/fire'

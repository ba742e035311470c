import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KnownBlock } from '@slack/types'
import { openLocalServer } from '../test/support/local-server.ts'
import { slackLines } from './slack-lines.ts'

const SLACK_ORIGIN = 'https://hooks.slack.com'
const ANSWER_LIMIT_MS = 15_000

/** A message as the relay posts it to a `response_url`. */
interface Posted {
  response_type?: string
  blocks: KnownBlock[]
}

/**
 * Opens a stand-in for the part of Slack that receives answers. `npm run chat` reads the answer to its click from it.
 * Messages for the whole room are printed in this process.
 */
export async function openSlackStandIn(relayPort: number) {
  const answers = new Map<string, PromiseWithResolvers<Posted>>()
  const answerAt = (path: string) => {
    const answer = answers.get(path) ?? Promise.withResolvers<Posted>()
    answers.set(path, answer)
    return answer
  }
  const server = await openLocalServer(async (request, response) => {
    const path = request.url ?? ''
    if (request.method === 'GET') {
      const late = AbortSignal.timeout(ANSWER_LIMIT_MS)
      const timedOut = new Promise<undefined>((resolve) =>
        late.addEventListener('abort', () => resolve(undefined)),
      )
      response.end(JSON.stringify((await Promise.race([answerAt(path).promise, timedOut])) ?? {}))
      return
    }
    const posted: Posted = JSON.parse(Buffer.concat(await request.toArray()).toString())
    if (posted.response_type === 'in_channel') {
      console.log(`\nPosted in Slack: ${slackLines(posted.blocks).join('\n  ')}\n`)
    } else answerAt(path).resolve(posted)
    response.end('ok')
  })
  redirectSlack(server.url)
  const file = addressFile(relayPort)
  writeFileSync(file, server.url)
  process.once('exit', () => rmSync(file, { force: true }))
}

/** Returns the address of the stand-in beside the relay on a port; `undefined` if there is none. */
export function slackStandInUrl(relayPort: string): string | undefined {
  try {
    return readFileSync(addressFile(Number(relayPort)), 'utf8')
  } catch {
    return undefined
  }
}

/** Returns an address for the answer to a click, and the path at which the stand-in keeps that answer. */
export function newResponseUrl() {
  const path = `/sandbox/${crypto.randomUUID()}`
  return { path, responseUrl: SLACK_ORIGIN + path }
}

function addressFile(relayPort: number): string {
  return join(tmpdir(), `ncloud-image-relay-slack-${relayPort}`)
}

/** Redirects this process's requests for Slack to the stand-in, without a change in the relay. */
function redirectSlack(url: string): void {
  const { request } = https
  https.request = ((target: URL, { agent, ...options }: https.RequestOptions) =>
    target.origin === SLACK_ORIGIN
      ? http.request(new URL(target.pathname, url), options)
      : request(target, { agent, ...options })) as typeof https.request
}

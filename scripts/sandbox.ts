import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MessageAttachment } from '@slack/types'
import { openGateway } from '../test/gateway/gateway.ts'
import { openLocalServer } from '../test/support/local-server.ts'

/** The key of the sandbox. It opens only a simulation on this machine, so the README can show it. */
const KEY = 'nir_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd29Yx0s'

/** The person and the signing secret of the simulated Slack. */
export const SLACK = { signingSecret: 'sandbox-signing-secret', person: 'T0SANDBOX:U0SANDBOX' }

/** A job whose first notification comes within three minutes. */
const JOB = {
  name: 'every-two-minutes',
  cron: '*/2 * * * *',
  timeZone: 'Asia/Seoul',
  image: { name: 'web-{yyMMdd}-{HHmm}', storages: [{ latestSnapshotOf: '12340001' }] },
  notify: ['terminal'],
}

/**
 * Opens a simulated gateway and a receiver that prints notifications. Returns the settings of a relay between them, and a
 * folder for its data, which is removed at the end together with the simulated images.
 */
export async function openSandbox() {
  const gateway = await openGateway({ readyAfterMs: 3_000 })
  // The other snapshots are from last year, which is too old for a job.
  gateway.snapshots.add({ name: 'web-snap' })
  const terminal = await openLocalServer(async (request, response) => {
    const notification = JSON.parse(Buffer.concat(await request.toArray()).toString())
    const { title, body, text, attachments = [] } = notification
    const fields = attachments.flatMap((one: MessageAttachment) => [
      ...(one.text ? [one.text] : []),
      ...(one.fields ?? []).map((field) => `${field.title}: ${field.value}`),
    ])
    const lines = [title ?? text, body?.text ?? fields.join('\n')].join('\n').trim()
    console.log(`\nNotified: ${lines.replaceAll('\n', '\n  ')}\n`)
    response.end()
  })
  const keys = [
    {
      id: 'demo',
      sha256: '8b32aa232b5625653414fdac1617f3382ed68546b2612c750a9dd444b4a71761',
      scopes: ['images:read', 'images:create'],
    },
  ]
  const environment = {
    NCLOUD_ACCESS_KEY: gateway.accessKey,
    NCLOUD_SECRET_KEY: gateway.secretKey,
    NCLOUD_API_GW: gateway.origin,
    RELAY_KEYS: JSON.stringify(keys),
    RELAY_JOBS: JSON.stringify([JOB]),
    RELAY_NOTIFY: JSON.stringify({
      terminal: { format: 'works', url: terminal.url },
      room: { format: 'slack', url: terminal.url },
    }),
    SLACK_SIGNING_SECRET: SLACK.signingSecret,
    CHAT_CREATORS: JSON.stringify({ slack: [SLACK.person] }),
  }
  const folder = mkdtempSync(join(tmpdir(), 'ncloud-image-relay-'))
  process.once('exit', () => rmSync(folder, { recursive: true }))
  const close = () => Promise.all([gateway.close(), terminal.close()])
  return { environment, folder, close }
}

/** Returns a line that sets address and key, and commands to paste: read, create, send faults, get a refusal. */
export function curlLines(url: string): string[] {
  const key = `-H "X-API-Key: $KEY"`
  const json = `-H 'Content-Type: application/json'`
  const wait = `-H 'Prefer: wait=10'`
  const create = (body: object) =>
    `curl -sS ${key} ${json} ${wait} -d '${JSON.stringify(body)}' "$RELAY/v1/server-images"`
  return [
    `export RELAY=${url} KEY=${KEY}`,
    `curl -sS ${key} "$RELAY/v1/images/12341457"`,
    create({ name: 'web-golden', storages: [{ snapshotNo: '12344697' }] }),
    create({ name: 'Web_Golden', storages: [{ sizeGb: 15 }, { sizeGb: 50 }] }),
    create({ name: 'web-data', storages: [{ snapshotNo: '12344698' }] }),
  ]
}

/** Prints the address of the sandbox and the commands to try. */
export function greet(url: string): void {
  console.log(`The relay listens on ${url}, in front of a simulated NAVER Cloud.`)
  console.log('A job creates an image every two minutes. Its notification is printed here.')
  const { port } = new URL(url)
  const own = port === '8787' ? '' : `PORT=${port} `
  console.log(`To send a command as Slack does: ${own}npm run chat -- "/ncp status 12341457"`)
  console.log('Commands to paste into another terminal (Ctrl-C stops the relay):\n')
  for (const line of curlLines(url)) console.log(`${line}\n`)
}

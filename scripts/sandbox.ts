import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MessageAttachment } from '@slack/types'
import { openGateway } from '../test/gateway/gateway.ts'
import { openLocalServer } from '../test/local-server.ts'

/** The key of the sandbox: it opens nothing but a simulation on this machine, so it may stand in the README. */
const KEY = 'nir_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd29Yx0s'

/** Who speaks to the sandbox as if from Slack, and by which secret; it opens nothing else either. */
export const SLACK = { signingSecret: 'sandbox-signing-secret', person: 'T0SANDBOX:U0SANDBOX' }

/** A job that shows in three minutes what one does. */
const JOB = {
  name: 'every-two-minutes',
  cron: '*/2 * * * *',
  timeZone: 'Asia/Seoul',
  image: { name: 'web-{yyMMdd}-{HHmm}', storages: [{ latestSnapshotOf: '12340001' }] },
  notify: ['terminal'],
}

/**
 * Opens a simulated gateway and a receiver that prints what it is told, and gives the settings of a relay between them and a
 * folder for what the relay keeps: the simulated images end with the gateway, so what is known of them does too.
 */
export async function openSandbox() {
  const gateway = await openGateway({ readyAfterMs: 3_000 })
  // The others are of last year, too old for a job.
  gateway.snapshots.add({ name: 'web-snap' })
  const terminal = await openLocalServer(async (request, response) => {
    const told = JSON.parse(Buffer.concat(await request.toArray()).toString())
    const { title, body, text, attachments = [] } = told
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

/** What a newcomer may paste: a XEN image, a KVM image made, a request with faults, and an honest error. */
export function curlLines(url: string): string[] {
  const key = `-H 'X-API-Key: ${KEY}'`
  const json = `-H 'Content-Type: application/json'`
  const wait = `-H 'Prefer: wait=10'`
  const create = (body: object) =>
    `curl -s ${key} ${json} ${wait} -d '${JSON.stringify(body)}' ${url}/v1/server-images`
  return [
    `curl -s ${key} ${url}/v1/images/12342264`,
    create({ name: 'web-golden', storages: [{ snapshotNo: '12344697' }] }),
    create({ name: 'Web_Golden', storages: [{ sizeGb: 15 }, { sizeGb: 50 }] }),
    create({ name: 'web-data', storages: [{ snapshotNo: '12344698' }] }),
  ]
}

/** Greets whoever started the sandbox. */
export function greet(url: string): void {
  console.log(`The relay runs on ${url}, in front of a simulated NAVER Cloud gateway.`)
  console.log(
    `A job makes an image every two minutes; its notification appears here a minute later.`,
  )
  const { port } = new URL(url)
  const own = port === '8787' ? '' : `PORT=${port} `
  console.log(`Ask it as from Slack: ${own}npm run chat -- "/ncp status 12341457"`)
  console.log(`The relay's key is ${KEY}. Paste these; Ctrl-C ends all.\n`)
  for (const line of curlLines(url)) console.log(`${line}\n`)
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openGateway } from '../test/gateway/gateway.ts'

/** The key of the sandbox: it opens nothing but a simulation on this machine, so it may stand in the README. */
const KEY = 'nir_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd29Yx0s'

/**
 * Opens a simulated gateway, and gives the settings of a relay in front of it and a folder for what the relay keeps:
 * the simulated images end with the gateway, so what is known of them does too.
 */
export async function openSandbox() {
  const gateway = await openGateway({ readyAfterMs: 3_000 })
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
  }
  const folder = mkdtempSync(join(tmpdir(), 'ncloud-image-relay-'))
  process.once('exit', () => rmSync(folder, { recursive: true }))
  return { gateway, environment, folder }
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
  console.log(`Its key is ${KEY}. Paste these; Ctrl-C ends both.\n`)
  for (const line of curlLines(url)) console.log(`${line}\n`)
}

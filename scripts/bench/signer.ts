import { signature, stringToSign } from '../../shared/ncloud/signature.ts'
import { print, spread, summary } from './table.ts'

const ROUNDS = 15
const SIGNATURES = 4_000

const target = `/vserver/v2/createServerImageFromSnapshot?${'x'.repeat(200)}`
const text = stringToSign('GET', target, '1234567890123', 'TestAccessKey')
const pair = { accessKey: 'TestAccessKey', secretKey: 'TestSecretKey' }
const utf8 = new TextEncoder()
const HMAC = { name: 'HMAC', hash: 'SHA-256' }
const importKey = () =>
  crypto.subtle.importKey('raw', utf8.encode(pair.secretKey), HMAC, false, ['sign'])
const key = await importKey()
const bytes = utf8.encode(text)

const ways = {
  'bare crypto.subtle.sign, key cached': () => crypto.subtle.sign('HMAC', key, bytes),
  'the signer: string, signature, base64': () => signature(text, pair),
  'crypto.subtle, key imported per call': async () =>
    crypto.subtle.sign('HMAC', await importKey(), bytes),
}

/** Prints the signatures per second of the signer, next to the calls that it consists of. */
export async function benchSigner(): Promise<void> {
  const rates = new Map(Object.keys(ways).map((name) => [name, [] as number[]]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, sign] of Object.entries(ways)) {
      const startedAt = performance.now()
      for (let i = 0; i < SIGNATURES; i++) await sign()
      // The first round warms up.
      if (round > 0) rates.get(name)?.push((SIGNATURES / (performance.now() - startedAt)) * 1_000)
    }
  }
  const bare = summary([...rates.values()][0] ?? []).median
  print('Signer, one at a time (goal: 0.8 of the bare call)', [
    ['', 'signatures/s', 'ratio'],
    ...[...rates].map(([name, series]) => [
      name,
      spread(series),
      (summary(series).median / bare).toFixed(2),
    ]),
  ])
}

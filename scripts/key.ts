import { parseArgs } from 'node:util'
import { newKey, SCOPES, sha256Hex } from '../shared/caller.ts'
import { parseSettings } from '../shared/settings.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { scope: { type: 'string', multiple: true, default: [] } },
})
const key = newKey()
const entry = { id: positionals[0] ?? '', sha256: await sha256Hex(key), scopes: values.scope }
// What the relay would refuse is not given out.
const parsed = parseSettings({ RELAY_KEYS: [entry] })
const faults = 'errors' in parsed ? parsed.errors : []
const own = faults.filter(({ path }) => path.startsWith('RELAY_KEYS'))

if (own.length > 0 || positionals.length > 1 || values.scope.length === 0) {
  console.error(`npm run key -- ID ${SCOPES.map((scope) => `--scope ${scope}`).join(' ')}`)
  for (const { path, message } of own)
    console.error(`${path.replace('RELAY_KEYS.0.', '')} ${message}`)
  process.exitCode = 1
} else {
  console.log(`Key, shown this once:   ${key}`)
  console.log(`Entry for RELAY_KEYS:   ${JSON.stringify(entry)}`)
}

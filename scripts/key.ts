import { parseArgs } from 'node:util'
import { newKey, SCOPES } from '../shared/caller.ts'
import { parseSettings } from '../shared/settings.ts'
import { sha256Hex } from '../shared/web/digest.ts'

const USAGE = `npm run key -- ID ${SCOPES.map((scope) => `--scope ${scope}`).join(' ')}
  [--expires-at TIME] [--name-prefix TEXT] [--daily-creations NUMBER]`

const given = argumentsGiven()
const key = newKey()
const entry = given && { ...given, sha256: await sha256Hex(key) }
// An entry that the relay would refuse is not printed.
const parsed = await parseSettings({ RELAY_KEYS: [entry ?? {}] })
const faults = 'errors' in parsed ? parsed.errors : []
const own = faults.filter(({ path }) => path.startsWith('RELAY_KEYS'))

if (!entry || own.length > 0) {
  console.error(USAGE)
  for (const { path, message } of entry ? own : []) {
    console.error(`${path.replace('RELAY_KEYS.0.', '')} ${message}`)
  }
  process.exitCode = 1
} else {
  console.log(`Key, shown only once:   ${key}`)
  console.log(`Entry for RELAY_KEYS:   ${JSON.stringify(entry)}`)
}

/** Returns the fields of an entry; `undefined` if an argument is missing or unknown. */
function argumentsGiven() {
  const text = { type: 'string' } as const
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: {
        scope: { ...text, multiple: true },
        'expires-at': text,
        'name-prefix': text,
        'daily-creations': text,
      },
    })
    const [id, ...more] = positionals
    if (id === undefined || more.length > 0 || !values.scope) return undefined
    return {
      id,
      scopes: values.scope,
      expiresAt: values['expires-at'],
      namePrefix: values['name-prefix'],
      dailyCreations: values['daily-creations'] && Number(values['daily-creations']),
    }
  } catch {
    return undefined
  }
}

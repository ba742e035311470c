import { join } from 'node:path'
import { greet, openSandbox } from './sandbox.ts'
import { openSlackStandIn } from './slack-stand-in.ts'

const { environment, folder } = await openSandbox()
const own = { RELAY_DATABASE: join(folder, 'relay.sqlite'), HOST: '127.0.0.1' }
Object.assign(process.env, environment, own)
const { port } = await import('../functions/server.ts')
await openSlackStandIn(port)
greet(`http://127.0.0.1:${port}`)

import { join } from 'node:path'
import { greet, openSandbox } from './sandbox.ts'

const { environment, folder } = await openSandbox()
Object.assign(process.env, environment, { RELAY_DATABASE: join(folder, 'relay.sqlite') })
const { port } = await import('../functions/server.ts')
greet(`http://127.0.0.1:${port}`)

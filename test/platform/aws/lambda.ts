import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { resolve } from 'node:path'
import { openLocalServer } from '../../support/local-server.ts'
import { fetchedPackage } from './npm-package.ts'

/** The runtime client that AWS's own runtime for Node uses. */
const RUNTIME = {
  name: 'aws-lambda-ric',
  version: '4.0.2',
  integrity:
    'FE5Vskx7mYNnqAnWWJXUOsLp2VGgdsJsCoRLFTa8L4Yk0QVtArqR8q58yPA++QC1a73ZWJXBQ2AH31nIAv7NOQ==',
  part: 'index.mjs',
}
const NODE = resolve('node_modules/.bin/node')
const RAPID_CLIENT = new URL('rapid-client.ts', import.meta.url).href
const PREFIX = '/2018-06-01/runtime'

/** A function to run. */
export interface LambdaFunction {
  /** The folder of the unpacked code. */
  folder: string
  /** The handler as in a deployment: `dist/lambda.handler`. */
  handler: string
  environment: Record<string, string>
  timeoutMs: number
}

/** A function that runs as on AWS. */
export interface Lambda {
  /**
   * Invokes the function in an idle sandbox or in a new one. Returns the result of the handler.
   * @throws FunctionError
   */
  invoke(event: object): Promise<unknown>
  /** Returns the number of sandboxes so far. */
  sandboxes(): number
  /** The request ids of the invocations, in order. */
  requestIds: string[]
  /** Returns the output of all sandboxes so far. */
  output(): string
  close(): Promise<void>
}

/** The error of a failed invocation. Its message is the JSON that the runtime reported. */
export class FunctionError extends Error {}

interface Invocation {
  requestId: string
  event: object
  resolve(result: unknown): void
  reject(error: FunctionError): void
}

interface Sandbox {
  isIdle(): boolean
  take(invocation: Invocation): void
  close(): Promise<void>
}

/** Runs a function with AWS's own runtime client on an emulation of the Runtime API. */
export async function openLambda(code: LambdaFunction): Promise<Lambda> {
  const runtime = await fetchedPackage(RUNTIME)
  const sandboxes: Sandbox[] = []
  const requestIds: string[] = []
  let output = ''

  const print = (text: string) => {
    output += text
  }

  return {
    async invoke(event) {
      const idle = sandboxes.find((sandbox) => sandbox.isIdle())
      const sandbox = idle ?? (await openSandbox(code, runtime, print))
      if (!idle) sandboxes.push(sandbox)
      // No await between the choice of a sandbox and its use: another invocation could choose the same one.
      const requestId = randomUUID()
      requestIds.push(requestId)
      return new Promise((resolve, reject) => {
        sandbox.take({ requestId, event, resolve, reject })
      })
    },
    sandboxes: () => sandboxes.length,
    requestIds,
    output: () => output,
    async close() {
      await Promise.all(sandboxes.map((sandbox) => sandbox.close()))
    },
  }
}

/** Starts a sandbox and waits until the function's INIT has ended. An idle sandbox is frozen. */
async function openSandbox(
  { folder, handler, environment, timeoutMs }: LambdaFunction,
  runtime: string,
  print: (text: string) => void,
): Promise<Sandbox> {
  /** The reply to the runtime's request for the next invocation, while that request is open. */
  let nextReply: ServerResponse | undefined
  let running: Invocation | undefined
  /** Settles the last invocation. It is called when the sandbox can take another one. */
  let settleLast = () => {}
  const ready = Promise.withResolvers<void>()

  const api = await openLocalServer(async (request, response) => {
    const body = await text(request)
    const [, id, ending] = /^\/invocation\/([^/]+)(?:\/(\w+))?$/.exec(pathOf(request)) ?? []
    if (id === 'next') {
      nextReply = response
      child.kill('SIGSTOP')
      ready.resolve()
      settleLast()
      return
    }
    const ended = running
    if (ending === 'response') settleLast = () => ended?.resolve(JSON.parse(body))
    else if (ending === 'error') settleLast = () => ended?.reject(new FunctionError(body))
    else ready.reject(new FunctionError(body))
    response.writeHead(202).end()
  })

  const child = spawn(NODE, ['--import', RAPID_CLIENT, runtime, handler], {
    cwd: folder,
    env: {
      ...reserved,
      AWS_LAMBDA_RUNTIME_API: new URL(api.url).host,
      _HANDLER: handler,
      LAMBDA_TASK_ROOT: folder,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', print)
  }
  const exited = once(child, 'close').then(() => {
    const error = new FunctionError('{"errorType":"Runtime.ExitError"}')
    running?.reject(error)
    ready.reject(error)
  })
  await ready.promise

  return {
    isIdle: () => nextReply !== undefined,
    take(invocation) {
      const timer = setTimeout(() => {
        invocation.reject(new FunctionError('{"errorType":"Sandbox.Timedout"}'))
        child.kill('SIGKILL')
      }, timeoutMs)
      const settled = <Args extends unknown[]>(settle: (...args: Args) => void) => {
        return (...args: Args) => {
          clearTimeout(timer)
          settle(...args)
        }
      }
      running = {
        ...invocation,
        resolve: settled(invocation.resolve),
        reject: settled(invocation.reject),
      }
      child.kill('SIGCONT')
      nextReply?.writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': invocation.requestId,
        'lambda-runtime-deadline-ms': String(Date.now() + timeoutMs),
        'lambda-runtime-invoked-function-arn':
          'arn:aws:lambda:ap-northeast-2:000000000000:function:relay',
      })
      nextReply?.end(JSON.stringify(invocation.event))
      nextReply = undefined
    },
    async close() {
      child.kill('SIGKILL')
      await exited
      api.close()
    },
  }
}

/** The variables that Lambda itself sets. Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
const reserved = {
  AWS_REGION: 'ap-northeast-2',
  AWS_DEFAULT_REGION: 'ap-northeast-2',
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_FUNCTION_NAME: 'relay',
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/relay',
  AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
  LANG: 'en_US.UTF-8',
  TZ: ':UTC',
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.slice(PREFIX.length)
}

async function text(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await request.toArray()).toString()
}

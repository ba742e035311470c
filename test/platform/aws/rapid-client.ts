import { Agent, request } from 'node:http'
import { registerHooks } from 'node:module'

/**
 * Replaces the native half of AWS's runtime client, which would need a compiler, by three calls of the Runtime API. Must
 * be imported before the runtime client. Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === './rapid-client.node' ? import.meta.filename : specifier, context),
})

const origin = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
let last: Promise<unknown> = Promise.resolve()

/** Waits for the next invocation. */
export function next() {
  return inTurn('GET', '/next')
}

/** Sends the result of the handler. */
export function done(id: string, body: string): void {
  inTurn('POST', `/${id}/response`, body)
}

/** Sends the error of the handler. */
export function error(id: string, body: string): void {
  inTurn('POST', `/${id}/error`, body)
}

/** Sends requests one after the other, like the native client, which blocks. */
function inTurn(method: string, path: string, body?: string) {
  const answer = last.then(() => call(method, path, body))
  last = answer
  return answer
}

function call(method: string, path: string, body: string | undefined) {
  return new Promise((resolve, reject) => {
    const sent = request(origin + path, { method, agent }, async (answer) => {
      const chunks = await answer.toArray()
      resolve({ bodyJson: Buffer.concat(chunks).toString(), headers: answer.headers })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

import { Agent, request } from 'node:http'
import { registerHooks } from 'node:module'

/**
 * Stands in for the native half of AWS's runtime client, which would have to be compiled: three calls of the Runtime API.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. To be imported before the runtime client is.
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

/** Hands in what the handler gave. */
export function done(id: string, body: string): void {
  inTurn('POST', `/${id}/response`, body)
}

/** Hands in what the handler threw. */
export function error(id: string, body: string): void {
  inTurn('POST', `/${id}/error`, body)
}

/** One after the other, as the native client, which blocks, does it. */
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

import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { openLocalServer } from '../../support/local-server.ts'

/** Credentials of an AWS role, for the tests. */
export const role = { accessKeyId: 'AKIACANARYROLE', secretAccessKey: 'CANARYroleSecretQ1w2E3r4T5' }

const REGION = 'ap-northeast-2'
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** A simulation of AWS Secrets Manager that answers only `GetSecretValue`. */
export interface SecretsManager {
  endpoint: string
  /** The contents of the secrets, by name. */
  secrets: Map<string, string>
  /** The times when reads arrived, failed ones included. */
  reads: number[]
  /** The faults of the next reads: an HTTP status with AWS's code, or no answer. */
  faults: ([status: number, code: string] | 'hang')[]
  close(): void
}

/** Opens the simulation on 127.0.0.1. It refuses requests that the role did not sign. */
export async function openSecretsManager(now = Date.now): Promise<SecretsManager> {
  const secrets = new Map<string, string>()
  const reads: number[] = []
  const faults: SecretsManager['faults'] = []
  const { url, close } = await openLocalServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    reads.push(now())
    const fault = faults.shift()
    if (fault === 'hang') return
    const [status, answer] = fault ? refusal(...fault) : answerTo(request, body, secrets)
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(answer))
  })
  return { endpoint: url, secrets, reads, faults, close }
}

type Answer = [status: number, body: object]

function answerTo(request: IncomingMessage, body: string, secrets: Map<string, string>): Answer {
  if (!isSigned(request, body)) return refusal(400, 'InvalidSignatureException')
  if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue') {
    return refusal(400, 'InvalidRequestException')
  }
  const { SecretId } = JSON.parse(body)
  const SecretString = secrets.get(SecretId)
  if (SecretString === undefined) return refusal(400, 'ResourceNotFoundException')
  const ARN = `arn:aws:secretsmanager:${REGION}:000000000000:secret:${SecretId}-a1B2c3`
  return [200, { ARN, Name: SecretId, SecretString, VersionStages: ['AWSCURRENT'] }]
}

function refusal(status: number, code: string): Answer {
  return [status, { __type: code, message: 'The message of a stranger: CANARY' }]
}

/** True if the role signed the request, by an independent implementation of Signature Version 4. */
function isSigned(request: IncomingMessage, body: string): boolean {
  const authorization = request.headers.authorization ?? ''
  const parts =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/((\d{8})\/([\w-]+)\/secretsmanager\/aws4_request), SignedHeaders=([\w;-]+), Signature=(\w+)$/.exec(
      authorization,
    )
  if (!parts) return false
  const [, id, scope, day = '', region = '', signedHeaders = '', signature] = parts
  const canonical = [
    request.method,
    request.url,
    '',
    ...signedHeaders.split(';').map((name) => `${name}:${request.headers[name]}`),
    '',
    signedHeaders,
    sha256(body),
  ].join('\n')
  const text = `AWS4-HMAC-SHA256\n${request.headers['x-amz-date']}\n${scope}\n${sha256(canonical)}`
  const dayKey = hmac(`AWS4${role.secretAccessKey}`, day)
  const key = ['secretsmanager', 'aws4_request'].reduce(hmac, hmac(dayKey, region))
  return (
    id === role.accessKeyId && region === REGION && hmac(key, text).toString('hex') === signature
  )
}

import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as v from 'valibot'
import type { Log } from '../../../shared/log.ts'
import type { Credentials } from '../../../shared/ncloud/signature.ts'
import { parse } from '../../../shared/parse.ts'
import { type FieldError, Problem } from '../../../shared/problem.ts'
import { Json, KeyPart } from '../../../shared/settings.ts'
import type { Clock } from '../../../shared/web/clock.ts'

/** The time after which the secret is read again. */
const MAX_AGE_MS = 300_000
/** The minimum time between reads after the first success, even if the pair is refused or a read fails. */
const MIN_INTERVAL_MS = 30_000
/** The time limit of the first read: Lambda ends INIT after 10 s. */
const FIRST_READ_MS = 6_000
/** The time limit of later reads, which delay a request. */
const LATER_READ_MS = 2_000
const TRY_LIMITS = { connectionTimeout: 1_000, requestTimeout: 1_900, throwOnRequestTimeout: true }

const SecretString = v.pipe(Json, v.looseObject({ accessKey: KeyPart, secretKey: KeyPart }))

/** The content of the secret. */
export interface Secret {
  credentials: Credentials
  /** All its fields, by the names of settings. */
  settings: Record<string, unknown>
}

/**
 * Opens a secret of AWS Secrets Manager. The function that it returns reads the secret on first use and then every five
 * minutes; with `fresh` sooner, but not within 30 s of the last read. It returns the same object until the content
 * changes. If a read fails, the last content stays in use. The SDK finds region, endpoint and AWS credentials by itself.
 * @throws Problem `not-configured`, with the fault, until a read has succeeded; the next call tries again
 */
export function openSecret(SecretId: string, clock: Clock, log: Log) {
  const client = new SecretsManagerClient({ maxAttempts: 3, requestHandler: TRY_LIMITS })
  let current: { text: string | undefined; secret: Secret } | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let nextAt = Number.NEGATIVE_INFINITY
  let reading: Promise<Secret> | undefined

  async function read(): Promise<Secret> {
    readAt = clock.now()
    try {
      const text = await textOf(client, SecretId, current ? LATER_READ_MS : FIRST_READ_MS)
      if (!current || text !== current.text) current = { text, secret: secretIn(text) }
      nextAt = clock.now() + MAX_AGE_MS
    } catch (problem) {
      if (!current || !(problem instanceof Problem)) throw problem
      nextAt = clock.now() + MIN_INTERVAL_MS
      for (const { path, message } of problem.extras.errors ?? []) {
        log({ event: 'settings', code: path, detail: message })
      }
    }
    return current.secret
  }

  return async ({ fresh }: { fresh: boolean }): Promise<Secret> => {
    const dueAt = fresh ? readAt + MIN_INTERVAL_MS : nextAt
    // Calls during a read wait for its result: if many requests are refused at once, none gets the old pair again.
    if (current && !reading && clock.now() < dueAt) return current.secret
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
}

async function textOf(client: SecretsManagerClient, SecretId: string, timeoutMs: number) {
  try {
    const abortSignal = AbortSignal.timeout(timeoutMs)
    return (await client.send(new GetSecretValueCommand({ SecretId }), { abortSignal }))
      .SecretString
  } catch (cause) {
    // The error's name is AWS's code. Its message may quote anything, so it is left out.
    const name = cause instanceof Error ? cause.name : ''
    throw faulty([{ path: '', message: `cannot be read: ${name}` }], cause)
  }
}

function secretIn(text: string | undefined): Secret {
  const parsed = parse(SecretString, text)
  if ('errors' in parsed) throw faulty(parsed.errors)
  const { accessKey, secretKey, ...more } = parsed.value
  const settings = { ...more, NCLOUD_ACCESS_KEY: accessKey, NCLOUD_SECRET_KEY: secretKey }
  return { credentials: { accessKey, secretKey }, settings }
}

function faulty(faults: FieldError[], cause?: unknown): Problem {
  const errors = faults.map(({ path, message }) => ({
    path: ['NCLOUD_SECRET_ID', ...(path ? [path] : [])].join('.'),
    message,
  }))
  return new Problem('not-configured', 'The secret cannot be used', { errors, cause })
}

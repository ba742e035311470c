import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as v from 'valibot'
import type { Clock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'
import type { Credentials } from '../../../shared/ncloud/signature.ts'
import { parse } from '../../../shared/parse.ts'
import { type FieldError, Problem } from '../../../shared/problem.ts'
import { Json, KeyPart } from '../../../shared/settings.ts'

const KEPT_MS = 300_000
/** Once it was read: however often the pair is refused, and however often reading it again fails. */
const APART_MS = 30_000
/** The first read may take most of INIT, which Lambda ends after ten seconds; later ones keep a request waiting. */
const FIRST_READ_MS = 6_000
const LATER_READ_MS = 2_000
const TRY_LIMITS = { connectionTimeout: 1_000, requestTimeout: 1_900, throwOnRequestTimeout: true }

const SecretString = v.pipe(Json, v.looseObject({ accessKey: KeyPart, secretKey: KeyPart }))

/** What the secret holds. */
export interface Secret {
  credentials: Credentials
  /** All that it says, by the names of settings. */
  settings: Record<string, unknown>
}

/**
 * Opens a secret of AWS Secrets Manager, which is read when it is first asked for and every five minutes; `fresh` asks
 * for it sooner, though not within 30 s of the last read. It is the same object as long as it says the same. What was
 * read holds until something else can be read. Region, endpoint and AWS credentials are the SDK's own business.
 * @throws Problem `not-configured`, with the fault, while nothing was ever read; the next call tries again
 */
export function openSecret(SecretId: string, clock: Clock, log: Log) {
  const client = new SecretsManagerClient({ maxAttempts: 3, requestHandler: TRY_LIMITS })
  let held: { text: string | undefined; secret: Secret } | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let nextAt = Number.NEGATIVE_INFINITY
  let asking: Promise<Secret> | undefined

  async function ask(): Promise<Secret> {
    askedAt = clock.now()
    try {
      const text = await textOf(client, SecretId, held ? LATER_READ_MS : FIRST_READ_MS)
      if (!held || text !== held.text) held = { text, secret: secretIn(text) }
      nextAt = clock.now() + KEPT_MS
    } catch (problem) {
      if (!held || !(problem instanceof Problem)) throw problem
      nextAt = clock.now() + APART_MS
      for (const { path, message } of problem.extras.errors ?? []) {
        log({ event: 'settings', code: path, detail: message })
      }
    }
    return held.secret
  }

  return async ({ fresh }: { fresh: boolean }): Promise<Secret> => {
    const dueAt = fresh ? askedAt + APART_MS : nextAt
    // Whoever comes while it is read waits for what is read: of many that are refused at once, none has the old pair.
    if (held && !asking && clock.now() < dueAt) return held.secret
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return asking
  }
}

async function textOf(client: SecretsManagerClient, SecretId: string, timeoutMs: number) {
  try {
    const abortSignal = AbortSignal.timeout(timeoutMs)
    return (await client.send(new GetSecretValueCommand({ SecretId }), { abortSignal }))
      .SecretString
  } catch (cause) {
    // The name is AWS's code for what went wrong. Its message may quote anything.
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

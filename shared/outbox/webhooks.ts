import * as v from 'valibot'
import { decodeBase64 } from '../web/base64.ts'
import { hmacBase64, hmacKey } from '../web/hmac.ts'
import { secureUrl } from '../web/secure-url.ts'
import type { Outgoing } from '../web/transport.ts'
import { escapeForSlack } from './slack-text.ts'

const SECRET_PREFIX = 'whsec_'
const MIN_SECRET_BYTES = 24
const MAX_SECRET_BYTES = 64

/** The maximum number of targets of an operation: their notices share one DynamoDB transaction of at most 100 items. */
const MAX_TARGETS = 20

const COLOR_OF_SUCCESS = '#2eb67d'
const COLOR_OF_FAILURE = '#e01e5a'

const rules = {
  name: 'must be the name of a target',
  names: 'must be an object whose names are 1 to 64 of A-Z a-z 0-9 . _ -',
  maxTargets: `must have at most ${MAX_TARGETS} names`,
  format: 'must be one of slack, works, teams, standard-webhooks',
  url: 'must be an https address without credentials; http only on loopback',
  secret: `must be ${SECRET_PREFIX} and base64 of ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes`,
  unsigned: 'must be left out: only standard-webhooks are signed',
}

/** A message to people, with the same facts for programs. */
export interface Notification {
  title: string
  /** The next step for the reader, if there is one. */
  text?: string | undefined
  fields: { name: string; value: string }[]
  url: string
  /** The stable name of the event: `operation.ready`. */
  type: string
  /** The time of the event: RFC 3339. */
  timestamp: string
  /** The facts, under stable names. */
  data: Record<string, unknown>
}

const TargetName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/, rules.name))

/** The names of the targets that are notified of an operation. */
export const TargetNames = v.pipe(v.array(TargetName), v.maxLength(MAX_TARGETS, rules.maxTargets))

const TargetUrl = v.pipe(
  v.string(),
  v.check((text) => secureUrl(text) !== undefined, rules.url),
)

const TargetSchema = v.variant(
  'format',
  [
    v.strictObject({
      format: v.picklist(['slack', 'works', 'teams']),
      url: TargetUrl,
      secret: v.optional(v.never(rules.unsigned)),
    }),
    v.strictObject({
      format: v.literal('standard-webhooks'),
      url: TargetUrl,
      secret: v.pipe(v.string(rules.secret), v.check(isSecret, rules.secret)),
    }),
  ],
  ({ path }) => (path ? rules.format : 'must be an object'),
)

/** The setting `RELAY_NOTIFY`: the targets by name. */
export const Targets = v.pipe(
  v.unknown(),
  // Checked first: an error message contains the path, and an invalid name in the path could be a secret address.
  v.check(hasTargetNames, rules.names),
  v.record(TargetName, TargetSchema),
)

/** A receiver of notifications. */
export type Target = v.InferOutput<typeof TargetSchema>

/** Returns the request that delivers a notification to a target. A retry has the same id and a new signature. */
export async function requestTo(
  target: Target,
  notification: Notification,
  id: string,
  now: number,
): Promise<Outgoing> {
  const url = new URL(target.url)
  const headers = { 'content-type': 'application/json', 'user-agent': 'ncloud-image-relay' }
  if (target.format !== 'standard-webhooks') {
    const body = JSON.stringify(UNSIGNED_BODIES[target.format](notification))
    return { method: 'POST', url, headers, body }
  }
  const body = JSON.stringify(webhookBody(notification))
  const signature = await webhookHeaders(target.secret, id, now, body)
  return { method: 'POST', url, headers: { ...headers, ...signature }, body }
}

const UNSIGNED_BODIES = { slack: slackBody, works: worksBody, teams: teamsBody }

/**
 * Returns the body for a Slack incoming webhook. It has an attachment instead of blocks, because Mattermost and Discord's
 * `/slack` also read attachments. Source: https://docs.slack.dev/reference/messaging/payload/
 */
export function slackBody({ type, title, text, fields, url }: Notification) {
  return {
    text: escapeForSlack(title),
    attachments: [
      {
        color: type === 'operation.ready' ? COLOR_OF_SUCCESS : COLOR_OF_FAILURE,
        fallback: escapeForSlack([title, text].filter(Boolean).join(' – ')),
        ...(text && { text: escapeForSlack(text) }),
        fields: fields.map(({ name, value }) => ({
          title: escapeForSlack(name),
          value: escapeForSlack(value),
          short: true,
        })),
        footer: url,
      },
    ],
  }
}

/**
 * Returns the body for the Incoming Webhook of NAVER WORKS and LINE WORKS. Its form is taken from public code, because
 * no official page was found.
 */
export function worksBody({ title, text, fields, url }: Notification) {
  return { title, body: { text: plainLines({ text, fields, lines: [url] }).join('\n') } }
}

/** The parts of a message, each of which may be missing. */
export interface MessageParts {
  title?: string | undefined
  text?: string | undefined
  fields?: { name: string; value: string }[]
  lines?: string[]
}

/** Writes a message as lines of plain text. */
export function plainLines({ title, text, fields = [], lines = [] }: MessageParts): string[] {
  const facts = fields.map(({ name, value }) => `${name}: ${value}`)
  return [...(title ? [title] : []), ...(text ? [text] : []), ...facts, ...lines]
}

/**
 * Returns a card for the Teams workflow "When a Teams webhook request is received".
 * Sources: https://support.microsoft.com/office/8ae491c7-0394-4861-ba59-055e33f75498, https://adaptivecards.io/explorer/
 */
export function teamsBody({ title, text, fields, url }: Notification) {
  const block = (part: string) => ({ type: 'TextBlock', text: escapeForTeams(part), wrap: true })
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      { ...block(title), weight: 'Bolder' },
      ...(text ? [block(text)] : []),
      {
        type: 'FactSet',
        facts: fields.map(({ name, value }) => ({ title: name, value: escapeForTeams(value) })),
      },
    ],
    actions: [{ type: 'Action.OpenUrl', title: new URL(url).host, url }],
  }
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }],
  }
}

/** Escapes Markdown, which Teams interprets in the text of a card. */
function escapeForTeams(text: string): string {
  return text.replace(/[\\`*_[\]<>~#]/g, '\\$&')
}

/** Returns the payload of a Standard Webhook. Source: https://www.standardwebhooks.com/ */
export function webhookBody({ type, timestamp, title, text, url, data }: Notification) {
  return { type, timestamp, data: { ...data, title, text, url } }
}

/** Returns the headers that sign a Standard Webhook; `now` in milliseconds since the epoch. */
export async function webhookHeaders(secret: string, id: string, now: number, body: string) {
  const timestamp = String(Math.floor(now / 1_000))
  const key = await hmacKey(signingKey(secret) ?? [])
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${await hmacBase64(key, `${id}.${timestamp}.${body}`)}`,
  }
}

function hasTargetNames(targets: unknown): boolean {
  const isMap = targets instanceof Object && !Array.isArray(targets)
  return isMap && Object.keys(targets).every((name) => v.is(TargetName, name))
}

function signingKey(secret: string): Uint8Array | undefined {
  return decodeBase64(secret.slice(SECRET_PREFIX.length))
}

function isSecret(text: string): boolean {
  const length = signingKey(text)?.length ?? 0
  return text.startsWith(SECRET_PREFIX) && length >= MIN_SECRET_BYTES && length <= MAX_SECRET_BYTES
}

import * as v from 'valibot'
import { hmacBase64, hmacKey } from './hmac.ts'
import { oneOf } from './one-of.ts'
import { secureUrl } from './secure-url.ts'
import type { Outgoing } from './transport.ts'

const SECRET_PREFIX = 'whsec_'
const SECRET_BYTES = { least: 24, most: 64 }

const MOST_TARGETS = 20
/** Colours of what is well, and of what is not. */
const GOOD = '#2eb67d'
const BAD = '#e01e5a'

const rules = {
  name: 'must be the name of a target',
  names: 'must be an object, its names 1 to 64 of A-Z a-z 0-9 . _ -',
  many: `must be at most ${MOST_TARGETS}`,
  url: 'must be an https address without credentials; http only on loopback',
  secret: `must be ${SECRET_PREFIX} and base64 of ${SECRET_BYTES.least} to ${SECRET_BYTES.most} bytes`,
  signs: 'must be left out: only standard-webhooks are signed',
}

/** What a person is told, in their language; and the same for machines. */
export interface Notification {
  title: string
  /** What to do, or empty. */
  text: string
  fields: { name: string; value: string }[]
  url: string
  /** What happened, by its stable name: `creation.ready`. */
  type: string
  /** When: RFC 3339. */
  timestamp: string
  /** The facts, by stable names. */
  data: Record<string, unknown>
}

const TargetName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/, rules.name))

/** Whom to tell. So few that all of it can be stored at once: DynamoDB takes a hundred items. */
export const TargetNames = v.pipe(v.array(TargetName), v.maxLength(MOST_TARGETS, rules.many))

const TargetUrl = v.pipe(
  v.string(),
  v.check((text) => secureUrl(text) !== undefined, rules.url),
)

const UnsignedTarget = v.strictObject({
  format: v.picklist(['slack', 'works', 'teams']),
  url: TargetUrl,
  secret: v.optional(v.never(rules.signs)),
})
const Signed = v.looseObject({ format: v.literal('standard-webhooks') })
const SignedTarget = v.strictObject({
  ...Signed.entries,
  url: TargetUrl,
  secret: v.pipe(v.string(rules.secret), v.check(isSecret, rules.secret)),
})

const Format = oneOf([...UnsignedTarget.entries.format.options, 'standard-webhooks'])

/** Who is of no known format is told no other fault. */
const Target = v.pipe(
  v.looseObject({ format: Format }, Format.message),
  v.lazy((target) => (v.is(Signed, target) ? SignedTarget : UnsignedTarget)),
)

/** The setting `RELAY_NOTIFY`: who can be told, by name. */
export const Targets = v.pipe(
  v.unknown(),
  // First, because what stands in the place of a name must not be repeated in a fault.
  v.check(areNamed, rules.names),
  v.lazy((targets) =>
    v.object(Object.fromEntries(Object.keys(targets ?? {}).map((name) => [name, Target]))),
  ),
)

/** Where notifications go, and in which form. */
export type Target = v.InferOutput<typeof Target>

/** The request that brings a notification to a target; signed anew each time, with the same id. */
export async function requestTo(
  target: Target,
  notification: Notification,
  id: string,
  now: number,
): Promise<Outgoing> {
  const url = new URL(target.url)
  const headers = { 'content-type': 'application/json', 'user-agent': 'ncloud-image-relay' }
  if (target.format !== 'standard-webhooks') {
    const body = JSON.stringify(BODIES[target.format](notification))
    return { method: 'POST', url, headers, body }
  }
  const body = JSON.stringify(webhookBody(notification))
  const signed = await webhookHeaders(target.secret, id, now, body)
  return { method: 'POST', url, headers: { ...headers, ...signed }, body }
}

/** The forms that are not signed. */
const BODIES = { slack: slackBody, works: worksBody, teams: teamsBody }

/**
 * An incoming webhook of Slack. An attachment, not blocks: Mattermost and Discord's `/slack` read these too.
 * Source: https://docs.slack.dev/reference/messaging/payload/
 */
export function slackBody({ type, title, text, fields, url }: Notification) {
  return {
    text: forSlack(title),
    attachments: [
      {
        color: type === 'creation.ready' ? GOOD : BAD,
        fallback: forSlack([title, text].filter(Boolean).join(' – ')),
        ...(text && { text: forSlack(text) }),
        fields: fields.map(({ name, value }) => ({
          title: forSlack(name),
          value: forSlack(value),
          short: true,
        })),
        footer: url,
      },
    ],
  }
}

/** What must be escaped in all text. Source: https://docs.slack.dev/messaging/formatting-message-text/ */
function forSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** The Incoming Webhook of NAVER WORKS and LINE WORKS, by what public code sends: no official page was found. */
export function worksBody({ title, text, fields, url }: Notification) {
  const lines = fields.map(({ name, value }) => `${name}: ${value}`)
  return { title, body: { text: [text, ...lines, url].filter(Boolean).join('\n') } }
}

/**
 * A card for the Teams workflow "When a Teams webhook request is received".
 * Sources: https://support.microsoft.com/office/8ae491c7-0394-4861-ba59-055e33f75498, https://adaptivecards.io/explorer/
 */
export function teamsBody({ title, text, fields, url }: Notification) {
  const block = (part: string) => ({ type: 'TextBlock', text: forTeams(part), wrap: true })
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      { ...block(title), weight: 'Bolder' },
      ...(text ? [block(text)] : []),
      {
        type: 'FactSet',
        facts: fields.map(({ name, value }) => ({ title: name, value: forTeams(value) })),
      },
    ],
    actions: [{ type: 'Action.OpenUrl', title: new URL(url).host, url }],
  }
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }],
  }
}

/** Text of a card is Markdown; what comes from elsewhere must not be. */
function forTeams(text: string): string {
  return text.replace(/[\\`*_[\]<>~#]/g, '\\$&')
}

/** The payload of a Standard Webhook. Source: https://www.standardwebhooks.com/ */
export function webhookBody({ type, timestamp, title, text, url, data }: Notification) {
  return { type, timestamp, data: { ...data, title, text, url } }
}

/** The headers of a Standard Webhook that prove who sent it; `now` in milliseconds since the epoch. */
export async function webhookHeaders(secret: string, id: string, now: number, body: string) {
  const timestamp = String(Math.floor(now / 1_000))
  const key = await hmacKey(signingKey(secret))
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${await hmacBase64(key, `${id}.${timestamp}.${body}`)}`,
  }
}

function areNamed(targets: unknown): boolean {
  const isMap = targets instanceof Object && !Array.isArray(targets)
  return isMap && Object.keys(targets).every((name) => v.is(TargetName, name))
}

function signingKey(secret: string): number[] {
  const text = atob(secret.slice(SECRET_PREFIX.length))
  return Array.from(text, (character) => character.charCodeAt(0))
}

function isSecret(text: string): boolean {
  if (!text.startsWith(SECRET_PREFIX)) return false
  try {
    const { length } = signingKey(text)
    return length >= SECRET_BYTES.least && length <= SECRET_BYTES.most
  } catch {
    return false
  }
}

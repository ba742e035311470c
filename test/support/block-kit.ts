import { expect } from 'vitest'

/** Asserts something about a value at a path. */
type Rule = (value: unknown, at: string) => void

const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>' }
const ENTITY = /&(?:amp|lt|gt);/g
const UNSEEN = /[^\P{Cc}\n]|\p{Cf}/u

const flag: Rule = (value, at) => expect(value, at).toBeTypeOf('boolean')

const style = oneOf('primary', 'danger')

const confirm = object(
  { title: plain(100), text: either(300), confirm: plain(30), deny: plain(30) },
  { style },
)

const button = object(
  { type: oneOf('button'), text: plain(75), action_id: characters(255) },
  { value: characters(2_000), style, confirm },
)

const blockId = { block_id: characters(255) }

const block = byType({
  header: object({ type: oneOf('header'), text: plain(150) }, blockId),
  section: section(
    object(
      { type: oneOf('section') },
      { text: either(3_000), fields: list(either(2_000), 1, 10), ...blockId },
    ),
  ),
  actions: object({ type: oneOf('actions'), elements: list(byType({ button }), 1, 25) }, blockId),
})

const message = object(
  {},
  {
    text: shown(40_000),
    blocks: list(block, 0, 50),
    response_type: oneOf('ephemeral', 'in_channel'),
    replace_original: flag,
    delete_original: flag,
  },
)

/**
 * Asserts that Slack accepts a message as the answer to a command or at a `response_url`. Accepts only the blocks and
 * elements that the relay uses. Measures the text as it is sent, in UTF-16, which is the strictest reading.
 * Source: https://docs.slack.dev/reference/block-kit and https://docs.slack.dev/messaging/formatting-message-text
 */
export function assertBlockKit(value: unknown): void {
  message(value, 'message')
  const { text, blocks = [], delete_original: isDeletion } = Object(value)
  if (!isDeletion) expect(text ?? blocks, 'message says nothing').not.toHaveLength(0)
}

/** Returns the visible texts of a message in order, one per line. */
export function shownBySlack(value: unknown): string {
  const { text, blocks } = Object(value)
  return [text, ...textsIn(blocks)]
    .filter((one) => typeof one === 'string')
    .map((one) => one.replace(ENTITY, (entity) => ENTITIES[entity] ?? entity))
    .join('\n')
}

function textsIn(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  const { type, text } = Object(value)
  return ['plain_text', 'mrkdwn'].includes(type) ? [text] : Object.values(value).flatMap(textsIn)
}

function object(required: Record<string, Rule>, optional: Record<string, Rule> = {}): Rule {
  const rules = new Map(Object.entries({ ...required, ...optional }))
  return (value, at) => {
    expect(value, at).toBeInstanceOf(Object)
    const entries = Object.entries(Object(value))
    for (const key of Object.keys(required)) expect(value, `${at}.${key}`).toHaveProperty(key)
    for (const [key, one] of entries) {
      const rule = rules.get(key)
      expect(rule, `${at}.${key} is unknown`).toBeDefined()
      rule?.(one, `${at}.${key}`)
    }
  }
}

function byType(rules: Record<string, Rule>): Rule {
  const known = new Map(Object.entries(rules))
  return (value, at) => {
    const { type } = Object(value)
    const rule = known.get(type)
    expect(rule, `${at}.type is unknown`).toBeDefined()
    rule?.(value, at)
  }
}

function list(rule: Rule, min: number, max: number): Rule {
  return (value, at) => {
    const all: unknown[] = Array.isArray(value) ? value : []
    expect(value, at).toBeInstanceOf(Array)
    expect(all.length, `${at}.length`).toBeGreaterThanOrEqual(min)
    expect(all.length, `${at}.length`).toBeLessThanOrEqual(max)
    for (const [index, one] of all.entries()) rule(one, `${at}[${index}]`)
  }
}

function oneOf(...values: unknown[]): Rule {
  return (value, at) => expect(values, at).toContain(value)
}

function characters(max: number): Rule {
  return (value, at) => {
    expect(value, at).toBeTypeOf('string')
    expect(String(value).length, `${at}.length`).toBeGreaterThanOrEqual(1)
    expect(String(value).length, `${at}.length`).toBeLessThanOrEqual(max)
  }
}

function shown(max: number): Rule {
  return (value, at) => {
    characters(max)(value, at)
    expect(String(value).replace(ENTITY, ''), `${at} is not escaped`).not.toMatch(/[&<>]/)
    expect(String(value), `${at} holds what is not seen`).not.toMatch(UNSEEN)
  }
}

function plain(max: number): Rule {
  return object({ type: oneOf('plain_text'), text: shown(max) }, { emoji: flag })
}

function either(max: number): Rule {
  const mrkdwn = object({ type: oneOf('mrkdwn'), text: shown(max) }, { verbatim: flag })
  return byType({ plain_text: plain(max), mrkdwn })
}

function section(rule: Rule): Rule {
  return (value, at) => {
    rule(value, at)
    const { text, fields } = Object(value)
    expect(text ?? fields, `${at} says nothing`).toBeDefined()
  }
}

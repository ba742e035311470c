import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { load } from 'js-yaml'
import { expect, test } from 'vitest'
import { slack } from '../functions/chat/slack.ts'
import schema from './fixtures/slack/manifest.schema.json' with { type: 'json' }

interface Manifest {
  features: { slash_commands: { command: string; url: string }[] }
  oauth_config: { scopes: Record<string, string[]> }
  settings: { interactivity: { request_url: string } }
}

const text = readFileSync('slack-manifest.yaml', 'utf8')
const isValid = new Ajv2020({ allErrors: true }).compile<Manifest>(schema)

test('the manifest is valid for Slack’s schema', () => {
  isValid(load(text))
  expect(isValid.errors ?? []).toEqual([])
})

test('the manifest has the addresses of the relay', () => {
  const { features, settings } = manifest()
  const [command, ...more] = features.slash_commands
  const urls = [command?.url, settings.interactivity.request_url]
  const chat = slack({ signingSecrets: [] }, 'en', async () => expect.unreachable())
  expect(urls).toEqual(chat.routes.map(({ path }) => `https://HOST${path}`))
  expect(urls).toEqual(['https://HOST/chat/slack/commands', 'https://HOST/chat/slack/interactions'])
  expect(command?.command).toBe('/ncp')
  expect(more).toEqual([])
})

test('the manifest asks only for the commands scope', () => {
  expect(manifest().oauth_config.scopes).toEqual({ bot: ['commands'] })
})

test.for([
  ['an unknown field', 'display_name:', 'shown_name:'],
  ['an unknown setting', 'socket_mode_enabled:', 'socket_mode:'],
  ['an unknown section', 'oauth_config:', 'oauth:'],
  ['a command that is too long', '/ncp', `/${'n'.repeat(32)}`],
  ['a command without a slash', '/ncp', 'ncp'],
  ['a command without an address', 'url: https://HOST/chat/slack/commands', ''],
  ['clicks without an address', 'request_url: https://HOST/chat/slack/interactions', ''],
  ['an address without TLS', 'https://HOST/chat/slack/commands', 'http://HOST'],
  ['a name that is too long', 'name: NAVER Cloud images', `name: ${'n'.repeat(36)}`],
  ['text in place of a boolean', 'socket_mode_enabled: false', 'socket_mode_enabled: "false"'],
  ['an unknown version', 'major_version: 2', 'major_version: 3'],
] as const)('a manifest with %s is not valid', ([, part, wrong]) => {
  const broken = text.replace(part, wrong)
  expect(broken).not.toBe(text)
  expect(isValid(load(broken))).toBe(false)
})

function manifest(): Manifest {
  const all = load(text)
  if (!isValid(all)) throw new Error('The manifest is not valid')
  return all
}

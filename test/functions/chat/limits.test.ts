import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Chat, MessageTemplate } from '../../../functions/chat/chat.ts'
import { mattermost } from '../../../functions/chat/mattermost.ts'
import { renderAnswer } from '../../../functions/chat/render.ts'
import { slack } from '../../../functions/chat/slack.ts'
import type { ChatCommand } from '../../../shared/chat/command.ts'
import { Phase } from '../../../shared/image.ts'
import { LANGUAGES } from '../../../shared/outbox/wording/languages.ts'
import { image, storage } from '../../shared/operations/records.ts'
import { assertBlockKit } from '../../support/block-kit.ts'

const transport = async () => expect.unreachable()
const chatCommand: ChatCommand = {
  id: '0'.repeat(32),
  at: 0,
  text: '',
  replaces: false,
  replyTo: { chat: 'mattermost', person: 'p'.repeat(26), to: '', until: 0 },
}

/** Text that the gateway may return: any characters, and the lengths that it was seen to accept. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.constantFrom(
    '&'.repeat(1_000),
    '<'.repeat(1_000),
    '🎉'.repeat(250),
    '`'.repeat(1_000),
    '\u202e'.repeat(300),
  ),
)
const optionalText = fc.option(text)

const images = fc
  .record({
    name: text,
    description: optionalText,
    phase: fc.constantFrom(...Phase.options),
    status: fc.record({ code: optionalText, operation: optionalText, name: optionalText }),
    os: optionalText,
    sizeGb: fc.option(fc.nat()),
    storages: fc.option(
      fc.array(
        fc.record({
          snapshotName: optionalText,
          volumeType: optionalText,
          sizeGb: fc.option(fc.nat()),
        }),
        {
          maxLength: 21,
        },
      ),
    ),
  })
  .map(({ storages, ...more }) => ({
    ...image('ready'),
    ...more,
    storages:
      storages?.map((one, order) => ({ ...storage(order, '9'.repeat(20)), ...one })) ?? null,
  }))

test.each(LANGUAGES)(
  'renders every image within the limits of Slack and Mattermost, in %s',
  async (language) => {
    const written = async ({ routes }: Chat, template: MessageTemplate) => {
      const body = await routes[0]?.bodyOf?.(template, chatCommand)
      return JSON.parse(JSON.stringify(body))
    }
    const chats = {
      slack: slack({ signingSecrets: [] }, language, transport),
      mattermost: mattermost({ tokens: ['t'], origin: undefined }, language, transport),
    }
    await fc.assert(
      fc.asyncProperty(images, async (given) => {
        const template = renderAnswer({ what: 'image', image: given, command: 'status 1' })
        assertBlockKit(await written(chats.slack, template))
        const { text } = await written(chats.mattermost, template)
        expect(text.length).toBeLessThanOrEqual(16_383)
        expect(text).toMatch(/^(`{3,})\n[\s\S]*\n\1$/)
      }),
      { numRuns: 300 },
    )
  },
)

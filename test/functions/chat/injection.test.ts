import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GB } from '../../gateway/snapshots.ts'
import { assertBlockKit, shownBySlack } from '../../support/block-kit.ts'
import {
  mattermostCommand,
  openChatRelay,
  people,
  slackCommand,
  worksOrigins,
} from '../../support/chats.ts'
import { openWorksPlatform, worksCallback } from '../../support/works-platform.ts'

/** Texts that have a special meaning in at least one chat. */
const hostile = [
  '<!channel> <!here> <@U0MAKER> <#C0RELAY>',
  '&lt;!channel&gt; &amp;amp;',
  '<https://example.com|click>',
  '*bold* _italic_ ~gone~ `code` > quote',
  '``` fence ```` fence',
  '[link](https://example.com) ![image](https://example.com/x.png)',
  '@channel @all @here ~town-square #hashtag',
  '<m userId="all"> <m userId="admin@example.com">',
  ':tada: 🎉 ｆｕｌｌ',
  '| a | b |\n|---|---|\n# heading\n- item',
]
/** Invisible characters and ones that change the direction of text. None may remain in a message. */
const unseen = 'a\u202eb\u2066c\u200bd\u200fe\ufefff\u0007g\u0085h\u2028i\u00adj'
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

let works: Awaited<ReturnType<typeof openWorksPlatform>>
let chat: Awaited<ReturnType<typeof openChatRelay>>

beforeEach(async () => {
  works = await openWorksPlatform()
  chat = await openChatRelay({
    environment: works.settings,
    origins: worksOrigins(works.url),
  })
})

afterEach(async () => {
  await chat.close()
  await works.close()
})

/** Functions that send a command in each chat and return the text that a person reads. */
const readers = {
  async slack(text: string) {
    const { json } = await chat.ask(slackCommand(text))
    assertBlockKit(json)
    // Otherwise `:tada:` would become a picture.
    expect(JSON.stringify(json)).not.toContain('"emoji":true')
    return shownBySlack(json)
  },
  async mattermost(text: string) {
    const address = `${chat.hooks}/hooks/commands/1`
    const { json } = await chat.ask(mattermostCommand(text, { address }))
    const [, fence = '', inside = ''] = /^(`{3,})\n([\s\S]*)\n\1$/.exec(json.text) ?? []
    // CommonMark 4.5: a line with at least as many backticks ends the block.
    expect(inside).not.toMatch(new RegExp(`^ {0,3}${fence}`, 'm'))
    return inside
  },
  async works(text: string) {
    const event = { text, userId: people.works.maker }
    const sent = {
      path: '/chat/works',
      method: 'POST',
      as: '',
      ...worksCallback(works.settings, event),
    }
    await chat.ask(sent)
    // The stand-in reports mentions as faults.
    expect(works.faults).toEqual([])
    const { content } = works.messages.at(-1) ?? {}
    return (content as { text: string }).text.replaceAll('＜', '<')
  },
}

describe.each(Object.keys(readers) as (keyof typeof readers)[])('in %s', (name) => {
  const read = readers[name]
  const oneLine = (text: string) => text.replace(/\n/g, ' ')

  test.each(hostile)('shows %j unchanged in a name and in a description', async (text) => {
    const image = chat.relay.gateway.images.add({ name: text, description: text })
    const shown = await read(`status ${image.no}`)
    expect(shown.split(oneLine(text)).length).toBeGreaterThanOrEqual(3)
  })

  test('replaces invisible and direction-changing characters with spaces', async () => {
    const image = chat.relay.gateway.images.add({ name: unseen, description: unseen })
    const shown = await read(`status ${image.no}`)
    expect(shown.replaceAll('\n', '')).not.toMatch(UNSEEN)
    expect(shown).toContain('a b c d e f g h i j')
  })

  test('shows the gateway’s message unchanged', async () => {
    const [message = ''] = hostile
    const body = JSON.stringify({ responseError: { returnCode: '10<b>', returnMessage: message } })
    chat.relay.gateway.inject({
      fault: { status: 400, headers: { 'Content-Type': 'application/json' }, body },
      times: 2,
    })
    expect(await read('status 12341457')).toContain(`10<b> ${message}`)
  })

  test('shows the largest image within the limits', async () => {
    const storages = Array.from({ length: 21 }, (_, order) => ({
      order,
      snapshot: { no: String(order).padStart(15, '9'), name: '&'.repeat(200) },
      bytes: 10 * GB,
      volumeType: 'CB1',
    }))
    const description = '<'.repeat(1_000)
    const image = chat.relay.gateway.images.add({
      name: `a${'&'.repeat(254)}`,
      description,
      storages,
    })
    expect(await read(`status ${image.no}`)).toContain('<'.repeat(500))
  })
})

import { expect, test } from 'vitest'
import { assertBlockKit, shownBySlack } from './block-kit.ts'

const long = (length: number) => 'x'.repeat(length)
const many = <One>(length: number, one: One): One[] => Array.from({ length }, () => one)
const plain = (text: unknown) => ({ type: 'plain_text', text })
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text })
const header = (text: unknown) => ({ type: 'header', text })
const section = (more: object) => ({ type: 'section', ...more })
const actions = (elements: unknown) => ({ type: 'actions', elements })
const question = {
  title: plain(long(100)),
  text: mrkdwn(long(300)),
  confirm: plain(long(30)),
  deny: plain(long(30)),
}
const button = {
  type: 'button',
  text: plain(long(75)),
  action_id: long(255),
  value: long(2_000),
  style: 'primary',
  confirm: { ...question, style: 'danger' },
}
const saying = (...blocks: unknown[]) => ({ text: 'said', blocks })
const asking = (more: object) => saying(actions([{ ...button, ...more }]))
const confirming = (more: object) => asking({ confirm: { ...question, ...more } })

test.for([
  { text: long(40_000) },
  { text: 'a &lt;b&gt; &amp;amp; c\nd — 이미지 状態 ✓' },
  { delete_original: true },
  { replace_original: true, ...saying(header({ ...plain(long(150)), emoji: false })) },
  {
    response_type: 'in_channel',
    blocks: [section({ text: plain(long(3_000)), block_id: long(255) })],
  },
  { response_type: 'ephemeral', text: 'said', blocks: [] },
  saying(section({ fields: many(10, { ...mrkdwn(long(2_000)), verbatim: true }) })),
  saying(actions(many(25, button))),
  saying(...many(50, header(plain('said')))),
])('%$: a message within all limits is taken', (message) => {
  expect(() => assertBlockKit(message)).not.toThrow()
})

test.for<[unknown, string]>([
  ['said', 'message: expected'],
  [5, 'message: expected'],
  [[], 'message says nothing'],
  [null, 'message: expected'],
  [{}, 'message says nothing'],
  [{ blocks: [] }, 'message says nothing'],
  [{ text: '' }, 'message.text.length'],
  [{ text: long(40_001) }, 'message.text.length'],
  [{ text: 5 }, 'message.text'],
  [{ text: 'said', channel: 'C1' }, 'message.channel is unknown'],
  [{ text: 'said', constructor: 'C1' }, 'message.constructor is unknown'],
  [{ text: 'said', response_type: 'all' }, 'message.response_type'],
  [{ text: 'said', replace_original: 'true' }, 'message.replace_original'],
  [{ text: 'said', delete_original: 1 }, 'message.delete_original'],
  [{ text: 'a & b' }, 'message.text is not escaped'],
  [{ text: '<!channel>' }, 'message.text is not escaped'],
  [{ text: '&quot;' }, 'message.text is not escaped'],
  [{ text: 'a\tb' }, 'message.text holds what is not seen'],
  [{ text: 'a\u001b[2Jb' }, 'message.text holds what is not seen'],
  [{ text: 'a\u202eb' }, 'message.text holds what is not seen'],
  [{ text: 'a\u200bb' }, 'message.text holds what is not seen'],
  [{ text: 'said', blocks: {} }, 'message.blocks'],
  [saying(...many(51, header(plain('said')))), 'message.blocks.length'],
  [saying({ type: 'poem' }), 'message.blocks[0].type is unknown'],
  [saying({ ...header(plain('said')), level: 1 }), 'message.blocks[0].level is unknown'],
  [saying({ ...header(plain('said')), block_id: long(256) }), 'message.blocks[0].block_id.length'],
  [saying({ type: 'header' }), 'message.blocks[0].text'],
  [saying(header('said')), 'message.blocks[0].text'],
  [saying(header(mrkdwn('said'))), 'message.blocks[0].text.type'],
  [saying(header(plain(''))), 'message.blocks[0].text.text.length'],
  [saying(header(plain(long(151)))), 'message.blocks[0].text.text.length'],
  [saying(header(plain('a < b'))), 'message.blocks[0].text.text is not escaped'],
  [saying(header(plain('a\rb'))), 'message.blocks[0].text.text holds what is not seen'],
  [saying(header({ ...plain('said'), emoji: 1 })), 'message.blocks[0].text.emoji'],
  [saying(header({ ...plain('said'), verbatim: true })), 'text.verbatim is unknown'],
  [saying(section({ text: { ...mrkdwn('said'), emoji: true } })), 'text.emoji is unknown'],
  [saying(section({})), 'message.blocks[0] says nothing'],
  [saying(section({ text: { text: 'said' } })), 'message.blocks[0].text.type is unknown'],
  [saying(section({ text: plain(long(3_001)) })), 'message.blocks[0].text.text.length'],
  [saying(section({ fields: [] })), 'message.blocks[0].fields.length'],
  [saying(section({ fields: many(11, plain('said')) })), 'message.blocks[0].fields.length'],
  [saying(section({ fields: [plain(long(2_001))] })), 'message.blocks[0].fields[0].text.length'],
  [saying(actions([])), 'message.blocks[0].elements.length'],
  [saying(actions(many(26, button))), 'message.blocks[0].elements.length'],
  [saying(actions([plain('said')])), 'elements[0].type is unknown'],
  [asking({ text: mrkdwn('said') }), 'elements[0].text.type'],
  [asking({ text: plain(long(76)) }), 'elements[0].text.text.length'],
  [asking({ action_id: '' }), 'elements[0].action_id.length'],
  [asking({ action_id: long(256) }), 'elements[0].action_id.length'],
  [saying(actions([{ type: 'button', text: plain('said') }])), 'elements[0].action_id'],
  [asking({ value: long(2_001) }), 'elements[0].value.length'],
  [asking({ style: 'default' }), 'elements[0].style'],
  [asking({ colour: 'red' }), 'elements[0].colour is unknown'],
  [asking({ confirm: true }), 'elements[0].confirm'],
  [asking({ confirm: { text: plain('said') } }), 'elements[0].confirm.title'],
  [confirming({ title: mrkdwn('said') }), 'confirm.title.type'],
  [confirming({ title: plain(long(101)) }), 'confirm.title.text.length'],
  [confirming({ text: plain(long(301)) }), 'confirm.text.text.length'],
  [confirming({ confirm: plain(long(31)) }), 'confirm.confirm.text.length'],
  [confirming({ deny: plain(long(31)) }), 'confirm.deny.text.length'],
  [confirming({ style: 'warning' }), 'confirm.style'],
  [confirming({ ok: plain('said') }), 'confirm.ok is unknown'],
])('%$: a message is not taken: %j', ([message, where]) => {
  expect(() => assertBlockKit(message)).toThrow(where)
})

test('what is shown is all text, as it is read', () => {
  const choice = {
    title: plain('t'),
    text: plain('u &lt; v'),
    confirm: plain('y'),
    deny: plain('n'),
  }
  const blocks = [
    header(plain('a &amp;lt; b')),
    section({ text: mrkdwn('c'), fields: [plain('d\ne'), plain('f')] }),
    actions([{ type: 'button', action_id: 'unseen', text: plain('g'), confirm: choice }]),
  ]
  expect(
    shownBySlack({ response_type: 'ephemeral', text: '&lt;said&gt;', blocks }).split('\n'),
  ).toEqual(['<said>', 'a &lt; b', 'c', 'd', 'e', 'f', 'g', 't', 'u < v', 'y', 'n'])
  expect(shownBySlack({ text: 'said' })).toBe('said')
  expect(shownBySlack({ delete_original: true })).toBe('')
})

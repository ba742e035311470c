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
const withBlocks = (...blocks: unknown[]) => ({ text: 'said', blocks })
const withButton = (more: object) => withBlocks(actions([{ ...button, ...more }]))
const withConfirm = (more: object) => withButton({ confirm: { ...question, ...more } })

test.for([
  { text: long(40_000) },
  { text: 'a &lt;b&gt; &amp;amp; c\nd — 이미지 状態 ✓' },
  { delete_original: true },
  { replace_original: true, ...withBlocks(header({ ...plain(long(150)), emoji: false })) },
  {
    response_type: 'in_channel',
    blocks: [section({ text: plain(long(3_000)), block_id: long(255) })],
  },
  { response_type: 'ephemeral', text: 'said', blocks: [] },
  withBlocks(section({ fields: many(10, { ...mrkdwn(long(2_000)), verbatim: true }) })),
  withBlocks(actions(many(25, button))),
  withBlocks(...many(50, header(plain('said')))),
])('%$: accepts a message within all limits', (message) => {
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
  [withBlocks(...many(51, header(plain('said')))), 'message.blocks.length'],
  [withBlocks({ type: 'poem' }), 'message.blocks[0].type is unknown'],
  [withBlocks({ ...header(plain('said')), level: 1 }), 'message.blocks[0].level is unknown'],
  [
    withBlocks({ ...header(plain('said')), block_id: long(256) }),
    'message.blocks[0].block_id.length',
  ],
  [withBlocks({ type: 'header' }), 'message.blocks[0].text'],
  [withBlocks(header('said')), 'message.blocks[0].text'],
  [withBlocks(header(mrkdwn('said'))), 'message.blocks[0].text.type'],
  [withBlocks(header(plain(''))), 'message.blocks[0].text.text.length'],
  [withBlocks(header(plain(long(151)))), 'message.blocks[0].text.text.length'],
  [withBlocks(header(plain('a < b'))), 'message.blocks[0].text.text is not escaped'],
  [withBlocks(header(plain('a\rb'))), 'message.blocks[0].text.text holds what is not seen'],
  [withBlocks(header({ ...plain('said'), emoji: 1 })), 'message.blocks[0].text.emoji'],
  [withBlocks(header({ ...plain('said'), verbatim: true })), 'text.verbatim is unknown'],
  [withBlocks(section({ text: { ...mrkdwn('said'), emoji: true } })), 'text.emoji is unknown'],
  [withBlocks(section({})), 'message.blocks[0] says nothing'],
  [withBlocks(section({ text: { text: 'said' } })), 'message.blocks[0].text.type is unknown'],
  [withBlocks(section({ text: plain(long(3_001)) })), 'message.blocks[0].text.text.length'],
  [withBlocks(section({ fields: [] })), 'message.blocks[0].fields.length'],
  [withBlocks(section({ fields: many(11, plain('said')) })), 'message.blocks[0].fields.length'],
  [
    withBlocks(section({ fields: [plain(long(2_001))] })),
    'message.blocks[0].fields[0].text.length',
  ],
  [withBlocks(actions([])), 'message.blocks[0].elements.length'],
  [withBlocks(actions(many(26, button))), 'message.blocks[0].elements.length'],
  [withBlocks(actions([plain('said')])), 'elements[0].type is unknown'],
  [withButton({ text: mrkdwn('said') }), 'elements[0].text.type'],
  [withButton({ text: plain(long(76)) }), 'elements[0].text.text.length'],
  [withButton({ action_id: '' }), 'elements[0].action_id.length'],
  [withButton({ action_id: long(256) }), 'elements[0].action_id.length'],
  [withBlocks(actions([{ type: 'button', text: plain('said') }])), 'elements[0].action_id'],
  [withButton({ value: long(2_001) }), 'elements[0].value.length'],
  [withButton({ style: 'default' }), 'elements[0].style'],
  [withButton({ colour: 'red' }), 'elements[0].colour is unknown'],
  [withButton({ confirm: true }), 'elements[0].confirm'],
  [withButton({ confirm: { text: plain('said') } }), 'elements[0].confirm.title'],
  [withConfirm({ title: mrkdwn('said') }), 'confirm.title.type'],
  [withConfirm({ title: plain(long(101)) }), 'confirm.title.text.length'],
  [withConfirm({ text: plain(long(301)) }), 'confirm.text.text.length'],
  [withConfirm({ confirm: plain(long(31)) }), 'confirm.confirm.text.length'],
  [withConfirm({ deny: plain(long(31)) }), 'confirm.deny.text.length'],
  [withConfirm({ style: 'warning' }), 'confirm.style'],
  [withConfirm({ ok: plain('said') }), 'confirm.ok is unknown'],
])('%$: rejects the message %j', ([message, where]) => {
  expect(() => assertBlockKit(message)).toThrow(where)
})

test('returns all visible text in order and unescaped', () => {
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

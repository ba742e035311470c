import { createHmac } from 'node:crypto'
import type { MessageAttachment } from '@slack/types'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import type { Event, JobOverdue, OperationEnded } from '../../../shared/outbox/notice.ts'
import { notificationOf } from '../../../shared/outbox/notification.ts'
import {
  type Notification,
  requestTo,
  slackBody,
  Targets,
  teamsBody,
  webhookHeaders,
  worksBody,
} from '../../../shared/outbox/webhooks.ts'
import { LANGUAGES } from '../../../shared/outbox/wording/languages.ts'
import { parse } from '../../../shared/parse.ts'

const CONSOLE = 'https://console.ncloud.com/'
const AT = Date.UTC(2026, 10, 21, 18, 36, 12)

const ready: OperationEnded = {
  what: 'ready',
  at: AT,
  operationId: 'op_0123',
  job: 'nightly-web',
  name: 'web-20261122',
  regionCode: 'KR',
  imageNo: '30000001',
  sizeGb: 10,
  seconds: 372,
  problem: null,
}
const rejected = (code: string, more: object = {}): OperationEnded => ({
  ...ready,
  what: 'rejected',
  imageNo: undefined,
  sizeGb: undefined,
  problem: { code: code as 'name-taken', detail: 'detail', ...more },
})
const overdue: JobOverdue = {
  what: 'overdue',
  at: AT,
  job: 'nightly-web',
  expectEveryHours: 26,
  lastReadyAt: '2026-11-20T21:36:12+09:00',
}
const withMarkup: Notification = {
  ...notificationOf(ready, 'en', CONSOLE),
  title: 'a <!channel> & *b*',
  text: '[x](https://evil.example) <b>',
  fields: [{ name: 'Image', value: '_1_ <2>' }],
}

describe('a Standard Webhook', () => {
  // Published in the tests of the reference library.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'

  test('has the signature of the published vector', async () => {
    const headers = await webhookHeaders(secret, id, 1_614_265_330_000, '{"test": 2432232314}')
    expect(headers).toEqual({
      'webhook-id': id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  test('is verified by the public library for any title', async () => {
    const property = fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (title) => {
      const target = { format: 'standard-webhooks' as const, url: 'https://x.example/', secret }
      const notification = { ...withMarkup, title }
      const { method, body, headers } = await requestTo(target, notification, 'op_1_1', Date.now())
      expect(method).toBe('POST')
      expect(new Webhook(secret).verify(body ?? '', headers)).toMatchObject({ data: { title } })
    })
    await fc.assert(property, { numRuns: 200 })
  })

  test('contains the facts under the same names in every language', async () => {
    for (const language of LANGUAGES) {
      const target = { format: 'standard-webhooks' as const, url: 'https://x.example/a?b', secret }
      const notification = notificationOf(ready, language, CONSOLE)
      const { body, url } = await requestTo(target, notification, 'op_1_1', AT)
      expect(String(url)).toBe('https://x.example/a?b')
      expect(JSON.parse(body ?? '')).toMatchObject({
        type: 'operation.ready',
        timestamp: '2026-11-21T18:36:12.000Z',
        data: {
          operationId: 'op_0123',
          job: 'nightly-web',
          name: 'web-20261122',
          regionCode: 'KR',
          imageNo: '30000001',
          sizeGb: 10,
          seconds: 372,
          problem: null,
          url: CONSOLE,
        },
      })
    }
  })

  test('has the same signature as Node for every secret', async () => {
    const bytes = fc.uint8Array({ minLength: 24, maxLength: 64 })
    const property = fc.asyncProperty(bytes, fc.string(), async (key, body) => {
      const text = `whsec_${Buffer.from(key).toString('base64')}`
      const headers = await webhookHeaders(text, 'id', 1_000, body)
      const expected = createHmac('sha256', key).update(`id.1.${body}`).digest('base64')
      expect(headers['webhook-signature']).toBe(`v1,${expected}`)
    })
    await fc.assert(property, { numRuns: 200 })
  })
})

describe('a notification in another format', () => {
  test('for Slack, it is an attachment in which Slack’s control characters are escaped', () => {
    const { text, attachments } = slackBody(withMarkup)
    const typed: MessageAttachment[] = attachments
    expect([text, typed]).toEqual([
      'a &lt;!channel&gt; &amp; *b*',
      [
        {
          fallback: 'a &lt;!channel&gt; &amp; *b* – [x](https://evil.example) &lt;b&gt;',
          text: '[x](https://evil.example) &lt;b&gt;',
          fields: [{ title: 'Image', value: '_1_ &lt;2&gt;', short: true }],
          footer: CONSOLE,
          color: '#2eb67d',
        },
      ],
    ])
  })

  test('for NAVER WORKS, it is a title and a text', () => {
    expect(worksBody(notificationOf(ready, 'en', CONSOLE))).toEqual({
      title: 'web-20261122 is ready',
      body: {
        text: 'Image: 30000001\nJob: nightly-web\nTook: 6 min 12 s\nSize: 10 GB\nRegion: KR\nhttps://console.ncloud.com/',
      },
    })
  })

  // Source: https://adaptivecards.io/explorer/AdaptiveCard.html, of version 1.4.
  test('for Teams, it is an adaptive card in which Markdown is escaped', () => {
    expect(teamsBody(withMarkup)).toEqual({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.4',
            body: [
              {
                type: 'TextBlock',
                text: 'a \\<!channel\\> & \\*b\\*',
                wrap: true,
                weight: 'Bolder',
              },
              {
                type: 'TextBlock',
                text: '\\[x\\](https://evil.example) \\<b\\>',
                wrap: true,
              },
              { type: 'FactSet', facts: [{ title: 'Image', value: '\\_1\\_ \\<2\\>' }] },
            ],
            actions: [{ type: 'Action.OpenUrl', title: 'console.ncloud.com', url: CONSOLE }],
          },
        },
      ],
    })
  })

  test.each(['slack', 'works', 'teams'] as const)('for %s, it is sent as JSON', async (format) => {
    const target = { format, url: 'https://hooks.example/secret' }
    const { method, headers, body, url } = await requestTo(target, withMarkup, 'id', AT)
    expect([method, headers['content-type'], String(url)]).toEqual([
      'POST',
      'application/json',
      'https://hooks.example/secret',
    ])
    expect(JSON.parse(body ?? '')).toBeTruthy()
  })
})

describe('the text of a notification', () => {
  const upstream = { action: 'createServerImageFromSnapshot', code: '1300', message: 'Too many' }
  const events: [string, Event][] = [
    ['ready', ready],
    ['failed', { ...ready, what: 'failed' }],
    ['gone', { ...ready, what: 'gone' }],
    ['stalled', { ...ready, what: 'stalled' }],
    ['not created', { ...ready, what: 'not_applied' }],
    ['conflict', { ...ready, what: 'conflict' }],
    ['unknown', { ...ready, what: 'unknown' }],
    ['overdue', overdue],
    ['never ready', { ...overdue, lastReadyAt: null }],
    ...[
      'name-taken',
      'invalid-input',
      'upstream-credentials',
      'upstream-permission',
      'upstream-throttled',
      'upstream-unreachable',
      'upstream-error',
    ].map((code): [string, Event] => [code, rejected(code)]),
    ['refused', rejected('upstream-refused', { upstream })],
  ]

  test.each(events)('is complete and short in three languages: %s', (_, event) => {
    const notifications = LANGUAGES.map((language) => notificationOf(event, language, CONSOLE))
    expect(new Set(notifications.map(({ title }) => title)).size).toBe(3)
    for (const { title, text, fields, type } of notifications) {
      expect(title).toContain(event.what === 'overdue' ? 'nightly-web' : 'web-20261122')
      expect(JSON.stringify({ title, text, fields })).not.toMatch(/[{]\w+[}]|undefined|null/)
      expect(title.length).toBeLessThanOrEqual(60)
      expect(text?.length ?? 0).toBeLessThanOrEqual(160)
      expect(text === undefined).toBe(event.what === 'ready')
      expect(type).toMatch(/^(operation\.[a-z_]+|job\.overdue)$/)
      expect(fields.every(({ name, value }) => name && value)).toBe(true)
    }
  })

  test.each([
    ['en', 'web-20261122 is ready', '6 min 12 s'],
    ['ko', 'web-20261122 준비 완료', '6분 12초'],
    ['ja', 'web-20261122 の準備ができました', '6分12秒'],
  ] as const)('has image number, job, duration and size in %s', (language, title, duration) => {
    const notification = notificationOf(ready, language, CONSOLE)
    expect([notification.title, notification.text]).toEqual([title, undefined])
    const values = notification.fields.map(({ value }) => value)
    expect(values).toEqual(['30000001', 'nightly-web', duration, '10 GB', 'KR'])
  })

  test('quotes NAVER Cloud’s message for a refusal', () => {
    const { text } = notificationOf(rejected('upstream-refused', { upstream }), 'en', CONSOLE)
    expect(text).toBe('NAVER Cloud refused the request: 1300 Too many')
  })

  test.each([
    [
      'name-taken',
      'The name web-20261122 is in use by image 12341457 (ready since 21 Nov 18:36 UTC+9).',
    ],
    ['invalid-input', 'Storage 12340001 has no usable snapshot from the last 26 hours.'],
    ['upstream-credentials', "refused the relay's key pair"],
    ['upstream-permission', 'may not call createServerImageFromSnapshot'],
    ['upstream-throttled', 'too many calls. Try again in a minute'],
    ['upstream-malformed', 'an answer that could not be read'],
    ['internal', 'an internal error'],
  ])('explains the problem %s', (code, words) => {
    const nameHolder = { imageNo: '12341457', status: 'ready', since: '2026-11-21T09:36:00Z' }
    const storagesWithoutSnapshot = [{ storageNo: '12340001', maxAgeHours: 26 }]
    const facts = { nameHolder, storagesWithoutSnapshot }
    const { text } = notificationOf(rejected(code, { upstream, facts }), 'en', CONSOLE)
    expect(text).toContain(words)
  })

  test.each([
    [1, '1 s'],
    [60, '1 min'],
    [3_600, '1 h'],
    [3_725, '1 h 2 min'],
    [86_400, '24 h'],
  ])('shows %i seconds as %s', (seconds, expected) => {
    const { fields } = notificationOf({ ...ready, seconds }, 'en', CONSOLE)
    expect(fields.find(({ name }) => name === 'Took')?.value).toBe(expected)
  })
})

describe('the targets', () => {
  const url = 'https://hooks.example/CANARY'
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`

  test('are parsed unchanged', () => {
    const targets = {
      ops: { format: 'slack', url },
      'team.one': { format: 'works', url: 'http://127.0.0.1:1/x' },
      hook: { format: 'standard-webhooks', url, secret },
    }
    expect(parse(Targets, targets)).toEqual({ value: targets })
  })

  test.each<[unknown, string]>([
    [[], ''],
    [{ 'two CANARY words': { format: 'slack', url } }, ''],
    [{ ops: 'CANARY' }, 'ops'],
    [{ ops: { format: 'CANARY', url } }, 'ops.format'],
    [{ ops: { format: 'slack' } }, 'ops.url'],
    [{ ops: { format: 'slack', url: 'http://hooks.example/CANARY' } }, 'ops.url'],
    [{ ops: { format: 'slack', url: 'https://CANARY@hooks.example/' } }, 'ops.url'],
    [{ ops: { format: 'slack', url: 'CANARY' } }, 'ops.url'],
    [{ ops: { format: 'slack', url, secret } }, 'ops.secret'],
    [{ ops: { format: 'teams', url, CANARY: 1 } }, 'ops'],
    [{ ops: { format: 'standard-webhooks', url } }, 'ops.secret'],
    [{ ops: { format: 'standard-webhooks', url, secret: 'CANARY' } }, 'ops.secret'],
    [{ ops: { format: 'standard-webhooks', url, secret: 'whsec_CANARY!' } }, 'ops.secret'],
    [
      {
        ops: {
          format: 'standard-webhooks',
          url,
          secret: `whsec_${Buffer.alloc(23).toString('base64')}`,
        },
      },
      'ops.secret',
    ],
  ])('are refused and not quoted: %j', (targets, path) => {
    const parsed = parse(Targets, targets)
    const errors = 'errors' in parsed ? parsed.errors : []
    expect(errors.map((error) => error.path)).toEqual([path])
    // Only the name of an unknown field is shown.
    const shown = JSON.stringify(errors).replace('unknown field: \\"CANARY\\"', '')
    expect(shown).not.toContain('CANARY')
  })
})

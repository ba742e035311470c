import type { IncomingMessage } from 'node:http'
import type { MessageAttachment } from '@slack/types'
import { Webhook } from 'standardwebhooks'
import { expect } from 'vitest'
import { leakSearch } from './canaries.ts'
import { openLocalServer } from './local-server.ts'

const SECRET = `whsec_${Buffer.from('CANARYwebhook1Aa2Bb3Cc4Dd5Ee6Ff7').toString('base64')}`
/** A part of every address. Anyone who knows an incoming webhook's address can post to it. */
const TOKEN = 'CANARYtoken8Gg9Hh0Jj1Kk2Ll'

/** Searches for secrets that only the relay and a target may know. */
export const targetLeaksIn = leakSearch({ secret: SECRET, token: TOKEN })

/** A notification as received. */
interface Received {
  headers: Record<string, string>
  body: string
}

/** An image that is announced. */
interface Made {
  name: string
  no: string
}

/** A target that receives notifications in one format. */
interface Listener {
  format: string
  secret?: string
  /** The status of its answers. */
  status: number
  /** Asserts that a notification has its format, and contains an image's name and number. */
  check(received: Received, image: Made, job: string): void
}

interface SlackMessage {
  text: string
  attachments: MessageAttachment[]
}

/** The texts that an attachment may have besides its fields. */
const attachmentTexts: (keyof MessageAttachment)[] = [
  'fallback',
  'color',
  'pretext',
  'title',
  'title_link',
  'text',
  'footer',
]

const someText: string = expect.any(String)
const textWith = (part: string): string => expect.stringContaining(part)

const listeners = {
  hook: {
    format: 'standard-webhooks',
    secret: SECRET,
    status: 204,
    check({ headers, body }, { name, no }, job) {
      const webhook = new Webhook(SECRET)
      expect(webhook.verify(body, headers)).toEqual({
        type: 'operation.ready',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
        data: {
          operationId: expect.stringMatching(/^op_[0-9a-f]{32}$/),
          job,
          name,
          regionCode: 'KR',
          imageNo: no,
          sizeGb: 10,
          seconds: expect.any(Number),
          problem: null,
          title: `${name} is ready`,
          url: 'https://console.ncloud.com/',
        },
      })
      expect(() => webhook.verify(`${body} `, headers)).toThrow('No matching signature')
      expect(headers['webhook-id']).not.toContain('.')
    },
  },
  slack: {
    format: 'slack',
    status: 200,
    check({ body }, { name, no }, job) {
      const message: SlackMessage = JSON.parse(body)
      const field = (value: string) => ({ title: someText, value, short: true })
      const attachment: MessageAttachment = {
        fallback: textWith(name),
        fields: expect.arrayContaining([field(no), field(job)]),
      }
      const expected: SlackMessage = {
        text: textWith(name),
        attachments: [expect.objectContaining(attachment)],
      }
      expect(message).toEqual(expected)
      for (const { fields = [], ...more } of message.attachments) {
        expect(fields).toEqual(fields.map(() => field(someText)))
        expect(attachmentTexts).toEqual(expect.arrayContaining(Object.keys(more)))
        expect(Object.values(more)).toEqual(Object.keys(more).map(() => someText))
      }
    },
  },
  teams: {
    format: 'teams',
    status: 202,
    check({ body }, { name, no }, job) {
      const fact = (value: string) => ({ title: someText, value })
      const content = expect.objectContaining({
        type: 'AdaptiveCard',
        version: '1.4',
        body: expect.arrayContaining([
          expect.objectContaining({ type: 'TextBlock', text: textWith(name) }),
          { type: 'FactSet', facts: expect.arrayContaining([fact(no), fact(job)]) },
        ]),
      })
      const contentType = 'application/vnd.microsoft.card.adaptive'
      const attachments = [{ contentType, content }]
      expect(JSON.parse(body)).toEqual({ type: 'message', attachments })
    },
  },
  works: {
    format: 'works',
    status: 200,
    check({ body }, { name, no }) {
      expect(JSON.parse(body)).toEqual({ title: textWith(name), body: { text: textWith(no) } })
    },
  },
} satisfies Record<string, Listener>

type ListenerName = keyof typeof listeners

/** The names of all listeners. */
export const listenerNames = Object.keys(listeners) as ListenerName[]

/** Opens a server with all listeners. */
export async function openStoryReceiver() {
  const received: (Received & { listener: ListenerName })[] = []
  let count = 0
  const { url, close } = await openLocalServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    count++
    const listener = listenerNames.find((name) => request.url === pathOf(name))
    if (listener && isJsonPost(request)) {
      received.push({ listener, headers: headersOf(request), body })
      response.writeHead(listeners[listener].status).end()
    } else {
      response.writeHead(404).end()
    }
  })

  const targetOf = (name: ListenerName) => {
    const { format, secret }: Listener = listeners[name]
    return { format, url: url + pathOf(name), ...(secret && { secret }) }
  }
  const receivedOf = ({ name }: Made) => received.filter(({ body }) => body.includes(name))

  return {
    /** The value of the setting `RELAY_NOTIFY`. */
    targets: Object.fromEntries(listenerNames.map((name) => [name, targetOf(name)])),
    /** Returns the listeners that were notified of an image, once for each notification. */
    whoHeardOf: (image: Made) => receivedOf(image).map(({ listener }) => listener),
    /** Asserts that a listener was notified of a job's image once, in its format. */
    expectTold(listener: ListenerName, image: Made, job: string) {
      const own = receivedOf(image).filter((one) => one.listener === listener)
      expect(own).toHaveLength(1)
      for (const one of own) listeners[listener].check(one, image, job)
    },
    /** Returns the number of all requests. */
    count: () => count,
    close,
  }
}

function pathOf(name: ListenerName): string {
  return `/${name}/${TOKEN}`
}

function isJsonPost({ method, headers }: IncomingMessage): boolean {
  return method === 'POST' && headers['content-type'] === 'application/json'
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}

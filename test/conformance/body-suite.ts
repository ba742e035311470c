import net from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, openGateway } from '../gateway/gateway.ts'
import { secrets } from '../support/canaries.ts'
import type { Environment, ProcessDoor } from '../support/doors.ts'
import { keyOf } from '../support/keys.ts'
import { environmentFor, smallest } from '../support/relay.ts'
import { until } from '../support/until.ts'

/** Tests that a relay behind a socket limits request bodies, regardless of their declared length. */
export function bodySuite(open: (environment: Environment) => Promise<ProcessDoor>) {
  let gateway: Gateway
  let door: ProcessDoor
  beforeAll(async () => {
    gateway = await openGateway({ ...secrets, readyAfterMs: 0 })
    door = await open(environmentFor(gateway.origin))
  })
  afterAll(async () => {
    await door?.close()
    await gateway.close()
  })

  describe('the limit of 64 KiB for a body', () => {
    const chunk = (length: number) => `${length.toString(16)}\r\n${'x'.repeat(length)}\r\n`
    const body = JSON.stringify({ ...smallest, name: 'too-much' })

    /** Sends these bytes and returns the status of each answer. */
    async function answersTo(
      head: string,
      payload: string,
      isOver: (
        socket: net.Socket,
        closed: Promise<unknown>,
        answer: () => string,
      ) => Promise<unknown>,
    ): Promise<string[]> {
      const { hostname, port } = new URL(door.url)
      const socket = net.connect(Number(port), hostname)
      let answer = ''
      socket.on('data', (data) => {
        answer += data
      })
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.on('error', () => {})
      socket.write(
        `POST /v1/server-images HTTP/1.1\r\nHost: relay\r\nX-API-Key: ${keyOf('ci')}\r\n` +
          `Content-Type: application/json\r\n${head}\r\n\r\n${payload}`,
      )
      await isOver(socket, closed, () => answer)
      socket.destroy()
      return [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status = '']) => status)
    }

    test.each<[string, string, string, string[]]>([
      [
        'of 80,000 bytes in chunks',
        'Transfer-Encoding: chunked',
        `${chunk(40_000)}${chunk(40_000)}0\r\n\r\n`,
        ['413'],
      ],
      ['with 70,000 declared bytes', 'Content-Length: 70000', 'x'.repeat(70_000), ['413']],
      ['that is longer than declared', 'Content-Length: 10', body, ['400']],
      ['without a declared length', 'X-Nothing: 1', '', ['400']],
    ])('rejects a body %s', async (_, head, payload, statuses) => {
      const answered = (_: net.Socket, closed: Promise<unknown>, answer: () => string) =>
        Promise.race([closed, until(() => /^HTTP\/1\.1 \d+/m.test(answer()))])
      const answers = await answersTo(head, payload, answered)
      expect(answers.slice(0, 1)).toEqual(statuses)
    })

    test.each<[string, string, string]>([
      ['that is shorter than declared', `Content-Length: ${body.length + 1}`, body],
      ['with two declared lengths', `Content-Length: ${body.length}\r\nContent-Length: 5`, body],
      ['with a negative declared length', 'Content-Length: -5', body],
    ])('does not accept a body %s', async (_, head, payload) => {
      // Without this end the server would wait for the rest of the body.
      const ended = (socket: net.Socket, closed: Promise<unknown>) => {
        socket.end()
        return closed
      }
      const answers = await answersTo(head, payload, ended)
      expect(answers.filter((status) => status.startsWith('2'))).toEqual([])
    })

    test('sends none of these requests to the gateway', () => {
      expect(gateway.images.all().filter((image) => image.name === 'too-much')).toEqual([])
    })
  })
}

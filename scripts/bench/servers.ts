import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

/** The two servers that the relay's read path is measured against, each in a process of its own. */
const [, , which, port, upstream] = process.argv

if (which === 'upstream') {
  const fixture = '../../test/fixtures/get-member-server-image-instance-detail.json'
  const body = readFileSync(new URL(fixture, import.meta.url))
  const headers = { 'content-type': 'application/json', 'content-length': body.length }
  createServer((_, response) => {
    response.writeHead(200, headers).end(body)
  }).listen(Number(port), '127.0.0.1')
} else {
  const action = `${upstream}/vserver/v2/getMemberServerImageInstanceDetail?responseFormatType=json`
  const app = new Hono()
  app.get('/streamed/*', () => fetch(action))
  app.get('/buffered/*', async () => {
    const answer = await fetch(action)
    const headers = { 'content-type': 'application/json' }
    return new Response(await answer.text(), { status: answer.status, headers })
  })
  serve({ fetch: app.fetch, port: Number(port), hostname: '127.0.0.1' })
}

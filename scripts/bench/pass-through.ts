import { Hono } from 'hono'
import { UPSTREAM_PORT } from './ports.ts'

const action =
  `http://127.0.0.1:${UPSTREAM_PORT}/vserver/v2/getMemberServerImageInstanceDetail` +
  '?responseFormatType=json'

const app = new Hono()
app.get('/streamed', () => fetch(action))
app.get('/buffered', async () => {
  const answer = await fetch(action)
  const headers = { 'content-type': 'application/json' }
  return new Response(await answer.text(), { status: answer.status, headers })
})

/** The baseline of the relay's read path: no authentication, signature, parsing or conversion. */
export default app

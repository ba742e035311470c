import { describe, expect, test } from 'vitest'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import type { Transport } from '../../shared/transport.ts'
import { openRelay, type Relay, smallest } from '../support/relay.ts'

const CREATE = 'createServerImageFromSnapshot'

async function withRelay<Result>(work: (relay: Relay) => Promise<Result>, transport?: Transport) {
  const relay = await openRelay({ ...(transport && { transport }) })
  try {
    return await work(relay)
  } finally {
    await relay.close()
  }
}

describe('a gateway that is not there', () => {
  // Port 9 of this machine, where nobody listens.
  const nowhere = (only: 'GET' | 'POST'): Transport => {
    const transport = httpTransport()
    return (request, timeoutMs) => {
      const url = new URL(request.url.pathname, 'http://127.0.0.1:9')
      return transport(request.method === only ? { ...request, url } : request, timeoutMs)
    }
  }

  test('on a read', () =>
    withRelay(async (relay) => {
      const { status, json } = await relay.request('/v1/server-images/12341457')
      expect([status, json.code, json.retryable]).toEqual([502, 'upstream-unreachable', true])
      const reason = 'ECONNREFUSED'
      expect(relay.log).toContainEqual(expect.objectContaining({ event: 'upstream', reason }))
      expect(JSON.stringify([relay.log, json])).not.toMatch(/127\.0\.0\.1/)
    }, nowhere('GET')))

  test('on a create', () =>
    withRelay(async (relay) => {
      const { status, json } = await relay.create(smallest)
      expect([status, json.state]).toEqual([202, 'unknown'])
      expect(json.problem.code).toBe('upstream-unreachable')
    }, nowhere('POST')))

  test('on the look-up before a create: nothing was sent', () =>
    withRelay(async (relay) => {
      const { status, json } = await relay.create(smallest)
      expect([status, json.state, json.attempt]).toEqual([202, 'accepted', 0])
    }, nowhere('GET')))
})

test('the documents’ own create answer, printed as invalid JSON, leaves an unknown outcome', () =>
  withRelay(async (relay) => {
    relay.gateway.inject({ fault: 'doc-sample-invalid', action: CREATE, applied: true })
    const { status, json, headers } = await relay.create(smallest)
    expect([status, json.state, json.problem.code]).toEqual([202, 'unknown', 'upstream-malformed'])
    expect(json.image).toBeNull()
    expect(headers.get('retry-after')).toBe('30')
    const again = await relay.create(smallest)
    expect([again.status, again.json.creationId]).toEqual([202, json.creationId])
  }))

import { describe, expect, test } from 'vitest'
import { httpTransport } from '../../functions/platform/node/http-transport.ts'
import type { Transport } from '../../shared/web/transport.ts'
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

describe('an unreachable gateway', () => {
  // Nothing listens on port 9 of this machine.
  const unreachable = (only: 'GET' | 'POST'): Transport => {
    const transport = httpTransport()
    return (request, timeoutMs) => {
      const url = new URL(request.url.pathname, 'http://127.0.0.1:9')
      return transport(request.method === only ? { ...request, url } : request, timeoutMs)
    }
  }

  test('gives a retryable 502 on a read', () =>
    withRelay(async (relay) => {
      const { status, json } = await relay.request('/v1/server-images/12341457')
      expect([status, json.code, json.retryable]).toEqual([502, 'upstream-unreachable', true])
      const reason = 'ECONNREFUSED'
      expect(relay.log).toContainEqual(expect.objectContaining({ event: 'upstream', reason }))
      expect(JSON.stringify([relay.log, json])).not.toMatch(/127\.0\.0\.1/)
    }, unreachable('GET')))

  test('leaves a create with an unknown outcome', () =>
    withRelay(async (relay) => {
      const { status, json } = await relay.create(smallest)
      expect([status, json.status]).toEqual([202, 'unknown'])
      expect(json.problem.code).toBe('upstream-unreachable')
    }, unreachable('POST')))

  test('leaves a create accepted and unsent when the look-up before it fails', () =>
    withRelay(async (relay) => {
      const { status, json } = await relay.create(smallest)
      expect([status, json.status, json.attempt]).toEqual([202, 'accepted', 0])
    }, unreachable('GET')))
})

test('the documented create reply, which is invalid JSON, leaves an unknown outcome', () =>
  withRelay(async (relay) => {
    relay.gateway.inject({ fault: 'doc-sample-invalid', action: CREATE, applied: true })
    const { status, json, headers } = await relay.create(smallest)
    expect([status, json.status, json.problem.code]).toEqual([202, 'unknown', 'upstream-malformed'])
    expect(json.image).toBeNull()
    expect(headers.get('retry-after')).toBe('30')
    const again = await relay.create(smallest)
    expect([again.status, again.json.operationId]).toEqual([202, json.operationId])
  }))

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Gateway, openGateway } from '../gateway/gateway.ts'
import { secrets } from '../support/canaries.ts'
import type { Door, Environment } from '../support/doors.ts'
import { environmentFor, smallest } from '../support/relay.ts'

/** Tests the relay from a caller's side. `takesRay`: it is behind Cloudflare's edge, whose Ray ID it uses. */
export function relaySuite(
  open: (environment: Environment) => Promise<Door>,
  { takesRay = false } = {},
) {
  let gateway: Gateway
  let door: Door
  beforeAll(async () => {
    gateway = await openGateway({ ...secrets, readyAfterMs: 800 })
    door = await open(environmentFor(gateway.origin))
  })
  afterAll(async () => {
    await door?.close()
    await gateway.close()
  })

  test('is alive and ready, and serves its OpenAPI document', async () => {
    for (const path of ['/healthz', '/readyz']) {
      expect((await door.request(path, { as: '' })).json).toMatchObject({ status: 'ok' })
    }
    expect((await door.request('/openapi.json', { as: '' })).json.openapi).toBe('3.1.0')
  })

  test('shows XEN and KVM images in the same shape', async () => {
    const xen = await door.request('/v1/images/12342264')
    const kvm = await door.request('/v1/images/12341457')
    expect([xen.json.kind, xen.json.phase]).toEqual(['memberServerImage', 'pending'])
    expect([kvm.json.kind, kvm.json.phase]).toEqual(['serverImage', 'ready'])
    expect(Object.keys(xen.json)).toEqual(Object.keys(kvm.json))
  })

  test('creates an image once, follows it, and lists the operation', async () => {
    const asked = { method: 'POST', body: smallest, headers: { prefer: 'wait=20' } }
    const first = await door.request('/v1/server-images', asked)
    expect([first.status, first.json.image.phase]).toEqual([201, 'ready'])
    const second = await door.request('/v1/server-images', asked)
    expect([second.status, second.json.operationId]).toEqual([200, first.json.operationId])
    const followed = await door.request(first.headers.get('location') ?? '')
    expect(followed.json).toMatchObject({ status: 'ready', image: { imageNo: '30000001' } })
    const listed = await door.request('/v1/operations')
    expect(listed.json.items).toHaveLength(1)
    expect(gateway.images.all().filter((image) => image.name === smallest.name)).toHaveLength(1)
  })

  test('creates one image for twenty identical concurrent requests', async () => {
    const body = { ...smallest, name: 'at-once' }
    const asked = { method: 'POST', body }
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => door.request('/v1/server-images', asked)),
    )
    expect(new Set(answers.map(({ json }) => json.operationId)).size).toBe(1)
    expect(gateway.images.all().filter((image) => image.name === body.name)).toHaveLength(1)
  })

  test('shows in a dry run what a create would do', async () => {
    const body = { ...smallest, name: 'dry', storages: [{ snapshotNo: '12344698' }] }
    const { json } = await door.request('/v1/server-images?dryRun=true', { method: 'POST', body })
    expect(json.ok).toBe(false)
    expect(json.request.parameters.serverImageName).toBe('dry')
  })

  test('names all faults of a request at once', async () => {
    const body = {
      name: 'Web',
      description: 'é'.repeat(488),
      storages: [{ volumeType: 'CB1' }, { sizeGb: 15 }],
      more: 1,
    }
    const { status, json } = await door.request('/v1/server-images', { method: 'POST', body })
    expect(status).toBe(422)
    expect(json.errors.map(({ path }: { path: string }) => path)).toEqual([
      'name',
      'description',
      'storages.0.snapshotNo',
      'storages.0.volumeType',
      'storages.1.sizeGb',
      'storages.1.volumeType',
      '',
    ])
  })

  test('answers each failure with its own status and code', async () => {
    const codeOf = async (path: string, asked = {}) => {
      const { status, json } = await door.request(path, asked)
      return `${status} ${json.code}`
    }
    gateway.inject({ fault: 'permission' })
    expect(await codeOf('/v1/images/12341457')).toBe('502 upstream-permission')
    gateway.inject({ fault: 'redirect' })
    expect(await codeOf('/v1/images/12341457')).toBe('502 upstream-malformed')
    expect(gateway.received.filter(({ target }) => target.startsWith('/elsewhere'))).toEqual([])
    expect(await codeOf('/v1/images/99')).toBe('404 image-not-found')
    expect(await codeOf('/v1/images/99', { as: 'nobody' })).toBe('401 unauthenticated')
    expect(await codeOf('/v1/images/99', { method: 'DELETE' })).toBe('405 method-not-allowed')
    expect(await codeOf('/nope')).toBe('404 not-found')
    const text = { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } }
    expect(await codeOf('/v1/server-images', text)).toBe('415 unsupported-media-type')
    const many = { method: 'POST', body: `${JSON.stringify(smallest)}${' '.repeat(65_536)}` }
    expect(await codeOf('/v1/server-images', many)).toBe('413 body-too-large')
    expect(await codeOf('/v1/images/1', { headers: { accept: 'image/png' } })).toBe(
      '406 not-acceptable',
    )
  })

  test('answers in plain text, and with 304 to an unchanged image', async () => {
    const accept = { accept: 'text/plain' }
    const first = await door.request('/v1/images/12341457', { headers: accept })
    expect(first.text).toBe('12341457 test-kvm ready\n')
    const known = { ...accept, 'if-none-match': first.headers.get('etag') ?? '' }
    expect((await door.request('/v1/images/12341457', { headers: known })).status).toBe(304)
  })

  test('gives each request an id that the caller cannot choose', async () => {
    const idOf = async (headers: Record<string, string>) =>
      (await door.request('/healthz', { headers })).headers.get('x-request-id')
    expect(await idOf({ 'x-request-id': 'theirs' })).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
    expect(await idOf({ 'cf-ray': 'theirs' })).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
    // On Cloudflare the edge replaces this header.
    const ray = '8c1f2a3b4c5d6e7f-ICN'
    const own = await idOf({ 'cf-ray': ray })
    if (takesRay) expect(own).toBe(ray)
    else expect(own).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  })
}

import * as v from 'valibot'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Context } from '../../shared/context.ts'
import type { Kind } from '../../shared/operations/kind.ts'
import type { Outgoing } from '../../shared/web/transport.ts'
import { actions } from '../gateway/actions.ts'
import { type Gateway, openGateway } from '../gateway/gateway.ts'
import { showServerImage } from '../gateway/server-images.ts'
import { states } from '../gateway/shelf.ts'
import { entryOf, keyOf } from '../support/keys.ts'

// A kind that exists in this file only: it copies an image by a made-up action of the simulated gateway. The ledger, the
// stores, the notices and HTTP have never heard of it.

const SECOND = 1_000

// Modules of their own, because the list of kinds is read when the others are loaded.
vi.resetModules()
const { KINDS } = await import('../../shared/operations/kinds.ts')
const { defineAction } = await import('../../shared/ncloud/action.ts')
const { ownImages, readServerImage } = await import('../../shared/ncloud/reads.ts')
const { ServerImage, serverImage } = await import('../../shared/ncloud/server-image.ts')
const { listOf } = await import('../../shared/ncloud/values.ts')
const { imageNameHold } = await import('../../shared/operations/create-image/holds.ts')
const { marked } = await import('../../shared/operations/marker.ts')

afterAll(() => {
  actions.delete('copyServerImage')
  vi.resetModules()
})
actions.set('copyServerImage', {
  parameters: {
    serverImageNo: { required: true, says: 'must be a number', holds: (no) => /^\d+$/.test(no) },
    serverImageName: { required: true, says: 'must be a name', holds: () => true },
    serverImageDescription: { says: 'must be a text', holds: () => true },
  },
  perform({ serverImageName = '', serverImageDescription = '', ...given }, world) {
    const copy = world.images.draft({
      name: serverImageName,
      description: `${serverImageDescription}`,
      region: 'KR',
      storages: world.images.find(given.serverImageNo ?? '')?.storages ?? [],
      listedFrom: world.now(),
      state: states.creating,
      ahead: [{ at: world.now() + 20 * SECOND, state: states.created }],
    })
    const keep = () => world.images.add(copy)
    return { list: 'serverImageList', rows: [showServerImage(copy)], totalRows: 1, keep }
  },
})

const CopyInput = v.object({ sourceNo: v.string(), name: v.string() })
type CopyInput = v.InferOutput<typeof CopyInput>

const copyServerImage = defineAction({
  name: 'copyServerImage',
  method: 'POST',
  parameters: ({ sourceNo, name, marker }: CopyInput & { marker: string }) => ({
    serverImageNo: sourceNo,
    serverImageName: name,
    serverImageDescription: marked('copy', marker),
  }),
  output: v.pipe(
    listOf('serverImageList', v.unknown()),
    v.transform(({ rows: [row] }) => row),
    ServerImage,
  ),
  view: serverImage,
})

const copyImage: Kind<CopyInput> = {
  name: 'copyImage',
  input: CopyInput,
  nameOf: ({ name }) => name,
  holds: ({ name, sourceNo }, regionCode) => [imageNameHold(regionCode, name), `image ${sourceNo}`],
  fingerprint: ({ sourceNo, name }) => [sourceNo, name],
  prepare: async ({ input, marker, regionCode }, context) => ({
    ready: true,
    sign: () => context.gateway.sign(copyServerImage, { ...input, marker, regionCode }, context),
  }),
  async find({ name, marker, regionCode, existedBefore }, context) {
    const { rows, gatewayTime } = await ownImages(name, { regionCode }, context)
    const found = rows
      .filter(({ image }) => !existedBefore.includes(image.imageNo))
      .map(({ image, markers }) => {
        const relation = markers.includes(marker) ? ('own' as const) : ('other' as const)
        return { thing: image, relation }
      })
    return { found, gatewayTime }
  },
  read: ({ regionCode }, imageNo, context) => readServerImage({ imageNo, regionCode }, context),
}

// The one row.
KINDS.push(copyImage as Kind<unknown>)
const { createApp } = await import('../../functions/app.ts')
const { httpTransport } = await import('../../functions/platform/node/http-transport.ts')
const { openSqlite } = await import('../../functions/platform/node/sqlite-file.ts')
const { openGateway: openClient } = await import('../../shared/ncloud/gateway.ts')
const { startOperation } = await import('../../shared/operations/start.ts')
const { parseSettings } = await import('../../shared/settings.ts')
const { sqliteStore } = await import('../../shared/store/sqlite-store.ts')

let now = 0
let gateway: Gateway
let app: ReturnType<typeof createApp>
let context: Context
let announced: unknown[]
let sourceNo: string

beforeEach(async () => {
  now = Date.now()
  announced = []
  gateway = await openGateway({ now: () => now })
  sourceNo = gateway.images.all()[0]?.no ?? ''
  const clock = { now: () => now, sleep: async () => {} }
  const store = sqliteStore(openSqlite(':memory:'))
  const { accessKey, secretKey, origin } = gateway
  const transport = async (request: Outgoing, timeoutMs: number) => {
    if (request.url.hostname !== 'hooks.example') return httpTransport()(request, timeoutMs)
    announced.push(JSON.parse(String(request.body)).type)
    return { status: 204, headers: { get: () => null }, body: new Uint8Array() }
  }
  const settings = await parseSettings({
    NCLOUD_ACCESS_KEY: accessKey,
    NCLOUD_SECRET_KEY: secretKey,
    NCLOUD_API_GW: origin,
    RELAY_KEYS: [entryOf('ci')],
    RELAY_NOTIFY: {
      ops: { format: 'standard-webhooks', url: 'https://hooks.example/', secret: SECRET },
    },
  })
  app = createApp({ settings, store, clock, transport, log: () => {} })
  const credentials = async () => ({ accessKey, secretKey })
  context = {
    ...{ relayName: '', site: 'public', store, clock, targets: ['ops'], log: () => {} },
    gateway: openClient({ origin, credentials, clock, transport: httpTransport() }),
    actor: 'key:ci',
    deadline: now + 25 * SECOND,
  }
})
afterEach(() => gateway.close())

const SECRET = `whsec_${btoa('0123456789abcdef0123456789abcdef')}`

function copy(name: string, value = name) {
  const key = { origin: 'idempotency-key' as const, value }
  const caller = { name: 'key:ci', scopes: [] }
  const request = { kind: copyImage, input: { sourceNo, name }, key, caller }
  return startOperation({ ...request, regionCode: 'KR', notify: ['ops'] }, context)
}

async function get(path: string) {
  const headers = { authorization: `Bearer ${keyOf('ci')}` }
  return (await app.fetch(new Request(`http://relay.test${path}`, { headers }))).json()
}

async function tickAfter(seconds: number) {
  now += seconds * SECOND
  await app.tick()
}

const copies = (name: string) => gateway.images.all().filter((image) => image.name === name)

test('an operation of a second kind is sent once, followed, shown, listed and announced', async () => {
  const { operation } = await copy('web-copy')
  expect(await copy('web-copy')).toMatchObject({ isReplay: true })
  const path = `/v1/operations/${operation.operationId}`
  expect(await get(path)).toMatchObject({ kind: 'copyImage', status: 'pending', attempt: 1 })
  await tickAfter(60)
  expect(await get(path)).toMatchObject({ status: 'ready', image: { name: 'web-copy' } })
  const { items } = await get('/v1/operations?kind=copyImage')
  expect(items).toHaveLength(1)
  expect(await get('/v1/operations?kind=createImage')).toEqual({ items: [] })
  expect(announced).toEqual(['operation.ready'])
  expect(copies('web-copy')).toHaveLength(1)
})

test('its lost answer is found by its marker, and nothing is sent twice', async () => {
  gateway.inject({ fault: 'reset-before', action: 'copyServerImage', applied: true })
  const { operation } = await copy('web-copy')
  expect(operation.state).toBe('unknown')
  await tickAfter(60)
  expect(await get(`/v1/operations/${operation.operationId}`)).toMatchObject({ status: 'ready' })
  expect(gateway.received.filter(({ action }) => action === 'copyServerImage')).toHaveLength(1)
})

test('what had no effect is sent again once that is proved', async () => {
  gateway.inject({ fault: 'reset-before', action: 'copyServerImage' })
  const { operation } = await copy('web-copy')
  await tickAfter(640)
  await tickAfter(60)
  const path = `/v1/operations/${operation.operationId}`
  expect(await get(path)).toMatchObject({ status: 'ready', attempt: 2 })
  expect(copies('web-copy')).toHaveLength(1)
})

test('it holds what its kind says, also against the first kind', async () => {
  await copy('web-copy')
  // Its source is held, too.
  await expect(copy('other-copy')).rejects.toMatchObject({ code: 'name-taken' })
  const body = JSON.stringify({ name: 'web-copy', storages: [{ snapshotNo: '12344697' }] })
  const headers = {
    authorization: `Bearer ${keyOf('ci')}`,
    'content-type': 'application/json',
  }
  const request = new Request('http://relay.test/v1/server-images', {
    method: 'POST',
    headers,
    body,
  })
  expect((await app.fetch(request)).status).toBe(409)
})

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Image } from '../../shared/image.ts'
import { states } from '../gateway/shelf.ts'
import { type Answered, openRelay, type Relay } from '../support/relay.ts'

let relay: Relay
beforeAll(async () => {
  relay = await openRelay()
})
afterAll(() => relay.close())
beforeEach(() => relay.gateway.reset())

const actions = () => relay.gateway.received.map(({ action }) => action)
const detail = 'getServerImageDetail'
const member = 'getMemberServerImageInstanceDetail'

describe('one image', () => {
  test('of XEN has the common shape', async () => {
    const { status, json } = await relay.request('/v1/member-server-images/12342264')
    expect(status).toBe(200)
    // The documents' first example, with its masked values filled in.
    expect(json).toEqual({
      imageNo: '12342264',
      kind: 'memberServerImage',
      name: 'test-xen',
      description: null,
      phase: 'pending',
      status: { code: 'INIT', operation: 'CREAT', name: 'creating' },
      hypervisor: null,
      os: null,
      productCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR2004.B050',
      createdAt: '2025-06-26T11:09:07+09:00',
      sizeBytes: 53687091200,
      sizeGb: 50,
      storages: null,
      originalServerNo: '12342010',
      shared: false,
      sharedWith: 0,
      regionCode: 'KR',
      upstream: { action: member, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    })
  })

  test('of KVM has the common shape', async () => {
    const { json } = await relay.request('/v1/server-images/12341457')
    // The documents' second example, with its masked values filled in.
    expect(json).toEqual({
      imageNo: '12341457',
      kind: 'serverImage',
      name: 'test-kvm',
      description: null,
      phase: 'ready',
      status: { code: 'CREAT', operation: 'NULL', name: 'created' },
      hypervisor: 'KVM',
      os: 'UBUNTU',
      productCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR24.G003',
      createdAt: '2025-06-26T10:33:37+09:00',
      sizeBytes: 10737418240,
      sizeGb: 10,
      storages: [
        {
          order: 0,
          snapshotNo: '12344697',
          snapshotName: 'test-snap',
          sizeBytes: 10737418240,
          sizeGb: 10,
          volumeType: 'CB1',
          iops: 100,
          throughputBytesPerSecond: 104857600,
          encrypted: false,
        },
      ],
      originalServerNo: null,
      shared: false,
      sharedWith: 0,
      regionCode: 'KR',
      upstream: { action: detail, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    })
  })

  test.each([
    ['12341458', 'failed'],
    ['12341459', 'deleting'],
    ['3051719', 'ready'],
  ])('with the number %s is %s', async (no, phase) => {
    expect((await relay.request(`/v1/server-images/${no}`)).json.phase).toBe(phase)
  })

  test('shows the number of people it is shared with, but not who they are', async () => {
    const { json } = await relay.request('/v1/member-server-images/3051719')
    expect([json.shared, json.sharedWith]).toEqual([true, 2])
  })

  test('with undocumented codes has the phase unknown and shows the codes', async () => {
    relay.gateway.inject({ fault: 'unknown-codes' })
    const { json } = await relay.request('/v1/server-images/12341457')
    expect([json.phase, json.status]).toEqual([
      'unknown',
      { code: 'WXYZ', operation: 'QRST', name: expect.anything() },
    ])
  })

  test.each(['missing-fields', 'extra-fields', 'numeric-return-code', 'byte-order-mark'] as const)(
    'is read despite %s',
    async (fault) => {
      relay.gateway.inject({ fault })
      const { status, json } = await relay.request('/v1/server-images/12341457')
      expect([status, json.imageNo]).toEqual([200, '12341457'])
    },
  )

  test('is read in the requested region, or else in the relay’s', async () => {
    await relay.request('/v1/server-images/12341457?regionCode=JPN')
    await relay.request('/v1/server-images/12341457')
    const regions = relay.gateway.received.map(({ parameters }) => parameters.regionCode)
    expect(regions).toEqual(['JPN', 'KR'])
  })
})

describe('an image of an unknown kind', () => {
  test('needs one call when the newer action finds it', async () => {
    expect((await relay.request('/v1/images/12341457')).json.kind).toBe('serverImage')
    expect(actions()).toEqual([detail])
  })

  test('needs two calls when the newer action does not find it', async () => {
    expect((await relay.request('/v1/images/12342264')).json.kind).toBe('memberServerImage')
    expect(actions()).toEqual([detail, member])
  })

  // First fault, second fault ('' for none), and the answer.
  test.each<[string, string, number, string | undefined]>([
    ['refused', '', 200, undefined],
    ['no-such-image', '', 200, undefined],
    ['authority', '', 502, 'upstream-permission'],
    ['permission', '', 502, 'upstream-permission'],
    ['doc-sample-invalid', '', 502, 'upstream-malformed'],
    ['refused', 'no-such-image', 422, 'upstream-refused'],
    ['no-such-image', 'no-such-image', 404, 'image-not-found'],
    ['no-such-image', 'authority', 502, 'upstream-permission'],
    ['no-such-image', 'refused', 422, 'upstream-refused'],
    ['refused', 'refused', 422, 'upstream-refused'],
    ['no-such-image', 'html-200', 502, 'upstream-malformed'],
  ])('gives after %s and then %s: %i', async (first, second, status, code) => {
    relay.gateway.inject({ fault: first as 'refused', action: detail })
    if (second) relay.gateway.inject({ fault: second as 'refused', action: member })
    const answered = await relay.request('/v1/images/12342264')
    expect([answered.status, answered.json.code]).toEqual([status, code])
  })
})

describe('an image that does not exist', () => {
  test.each(['/v1/images/99', '/v1/server-images/99', '/v1/member-server-images/99'])(
    '%s gives 404 when the gateway returns no row',
    async (path) => {
      const { status, json } = await relay.request(path)
      expect([status, json.code, json.retryable]).toEqual([404, 'image-not-found', false])
    },
  )

  test('gives 404 when the gateway refuses the request', async () => {
    relay.gateway.inject({ fault: 'no-such-image' })
    const { status, json } = await relay.request('/v1/server-images/99')
    expect([status, json.upstream]).toEqual([
      404,
      {
        action: detail,
        status: 400,
        code: '1104037',
        message: 'The server image could not be found.',
      },
    ])
  })
})

describe('images by name', () => {
  const named = async (name: string) => relay.request(`/v1/images?name=${name}`)

  test('have exactly that name and belong to the account', async () => {
    relay.gateway.images.add({ name: 'web' })
    relay.gateway.images.add({ name: 'web-2' })
    relay.gateway.images.add({ name: 'web', type: 'NCP' })
    const { json } = await named('web')
    expect(json.items).toHaveLength(1)
    expect(json.items[0]).toMatchObject({ name: 'web', kind: 'serverImage' })
    expect((await named('ubuntu-22.04-base')).json.items).toEqual([])
  })

  test('are read from all pages', async () => {
    for (let i = 0; i < 250; i++) relay.gateway.images.add({ name: `web-${i}` })
    for (let i = 0; i < 3; i++) relay.gateway.images.add({ name: 'web' })
    expect((await named('web')).json.items).toHaveLength(3)
    expect(actions()).toHaveLength(3)
  })

  test('are not reported as missing when the answer contradicts itself', async () => {
    relay.gateway.inject({ fault: 'rows-lie', times: Number.POSITIVE_INFINITY })
    expect((await named('nothing')).json.code).toBe('upstream-malformed')
  })

  test('may have a name that a create does not allow', async () => {
    relay.gateway.images.add({ name: 'Web_이미지 1' })
    const { json } = await named(encodeURIComponent('Web_이미지 1'))
    expect(json.items).toHaveLength(1)
  })
})

describe('own images', () => {
  const numbersIn = ({ json }: Answered) => json.items.map((item: Image) => item.imageNo)

  /** Reads a list from page to page, and calls `between` after each page. */
  async function readPages(path: string, between = (_: number) => {}) {
    const pages: string[][] = []
    for (let next: string | undefined = ''; next !== undefined; ) {
      const page = await relay.request(`${path}${next && `&cursor=${encodeURIComponent(next)}`}`)
      pages.push(numbersIn(page))
      between(pages.length)
      next = page.json.next
    }
    return pages
  }

  test('are listed without NAVER Cloud’s own ones, newest first and then by number', async () => {
    const { status, json } = await relay.request('/v1/images')
    expect(status).toBe(200)
    expect(json.items.map(({ imageNo, createdAt }: Image) => [imageNo, createdAt])).toEqual([
      ['12341459', '2025-06-26T10:33:37+09:00'],
      ['12341458', '2025-06-26T10:33:37+09:00'],
      ['12341457', '2025-06-26T10:33:37+09:00'],
      ['3051719', '2025-06-20T09:00:00+09:00'],
    ])
    expect(json).not.toHaveProperty('next')
  })

  test('are ordered by time and not by its text, and by number and not by its digits', async () => {
    relay.gateway.images.add({ no: '9', createDate: '2026-01-01T00:30:00+0900' })
    relay.gateway.images.add({ no: '10', createDate: '2025-12-31T23:00:00+0500' })
    relay.gateway.images.add({ no: '99', createDate: '2020-01-01T00:00:00+0900' })
    relay.gateway.images.add({ no: '100', createDate: '2020-01-01T00:00:00+0900' })
    const numbers = numbersIn(await relay.request('/v1/images'))
    expect(numbers.slice(0, 2)).toEqual(['10', '9'])
    expect(numbers.slice(-2)).toEqual(['100', '99'])
  })

  test('without a creation time are the last', async () => {
    relay.gateway.images.add({ no: '40000001', createDate: 'unknown' })
    relay.gateway.images.add({ no: '40000002', createDate: 'unknown' })
    const pages = await readPages('/v1/images?limit=1')
    expect(pages.slice(3)).toEqual([['3051719'], ['40000002'], ['40000001']])
  })

  test('are 20 a page, or as many as the limit allows', async () => {
    for (let i = 0; i < 250; i++)
      relay.gateway.images.add({ createDate: '2024-01-01T00:00:00+0900' })
    const first = await relay.request('/v1/images')
    expect(first.json.items).toHaveLength(20)
    const pages = await readPages('/v1/images?limit=100')
    expect(pages.map(({ length }) => length)).toEqual([100, 100, 54])
    expect(new Set(pages.flat()).size).toBe(254)
    expect(numbersIn(first)).toEqual(pages.flat().slice(0, 20))
  })

  test('have no next page if the last one is full', async () => {
    expect(await readPages('/v1/images?limit=2')).toEqual([
      ['12341459', '12341458'],
      ['12341457', '3051719'],
    ])
  })

  test('are neither repeated nor skipped when images appear and disappear between two pages', async () => {
    const pages = await readPages('/v1/images?limit=1', (page) => {
      if (page === 1) relay.gateway.images.add({ createDate: '2026-01-01T00:00:00+0900' })
      // The last image of the page before, whose position is in the cursor.
      if (page === 2) relay.gateway.images.delete('12341458')
    })
    expect(pages).toEqual([['12341459'], ['12341458'], ['12341457'], ['3051719']])
  })

  test('of another region are listed by the region', async () => {
    relay.gateway.images.add({ no: '5', region: 'JPN' })
    expect(numbersIn(await relay.request('/v1/images?regionCode=JPN'))).toEqual(['5'])
  })

  test('are not listed in part when the answer contradicts itself', async () => {
    relay.gateway.inject({ fault: 'rows-lie', times: Number.POSITIVE_INFINITY })
    expect((await relay.request('/v1/images')).json.code).toBe('upstream-malformed')
  })

  test('are one line each as plain text', async () => {
    const { text } = await relay.request('/v1/images?limit=2', {
      headers: { accept: 'text/plain' },
    })
    expect(text).toBe('12341459 test-terminating deleting\n12341458 test-failed failed\n')
  })

  test.each([
    'x',
    'zz.',
    '.1',
    '0.x',
    '0.1.1',
    '00000000000.1',
    'mcd0qs.op_0123456789abcdef0123456789abcdef',
  ])('are not listed from the wrong cursor %j, and NAVER Cloud is not asked', async (cursor) => {
    const { status, json } = await relay.request(`/v1/images?cursor=${cursor}`)
    expect([status, json.code]).toEqual([400, 'malformed-request'])
    expect(relay.gateway.received).toEqual([])
  })
})

// Field reports A6 and A8.
describe('long lists', () => {
  const answer = (action: string, list: string, totalRows: number, rows: object[]) => {
    const document = { [`${action}Response`]: { totalRows, [list]: rows, returnCode: '0' } }
    return { status: 200, body: JSON.stringify(document, null, 4) }
  }

  test('of 100 images with 21 storages each, written with line breaks, are read', async () => {
    const mapping = {
      blockStorageSnapshotInstanceNo: 12344697,
      blockStorageSnapshotName: 'a-snapshot-of-thirty-letters-x',
      blockStorageSize: 10737418240,
      blockStorageVolumeType: { code: 'CB1', codeName: 'Common BlockStorage 1' },
      iops: 100,
      throughput: 104857600,
      isEncryptedVolume: false,
    }
    const rows = Array.from({ length: 100 }, (_, no) => ({
      serverImageNo: String(no + 1),
      serverImageName: `web-${no}`,
      serverImageStatus: { code: 'CREAT' },
      serverImageOperation: { code: 'NULL' },
      blockStorageMappingList: Array.from({ length: 21 }, (_, order) => ({ order, ...mapping })),
    }))
    const fault = answer('getServerImageList', 'serverImageList', 100, rows)
    expect(Buffer.byteLength(fault.body)).toBeGreaterThan(1_048_576)
    relay.gateway.inject({ fault, action: 'getServerImageList' })
    const { status, json } = await relay.request('/v1/images?limit=100')
    expect([status, json.items.length]).toEqual([200, 100])
  })

  test('of snapshots are refused if the second page repeats the first one', async () => {
    const action = 'getBlockStorageSnapshotInstanceList'
    const rows = Array.from({ length: 100 }, (_, no) => ({
      blockStorageSnapshotInstanceNo: String(no + 1),
    }))
    for (const page of [rows, rows.slice(0, 50)]) {
      const fault = answer(action, 'blockStorageSnapshotInstanceList', 150, page)
      relay.gateway.inject({ fault, action })
    }
    const { status, json } = await relay.request('/v1/snapshots')
    expect([status, json.code]).toEqual([502, 'upstream-malformed'])
  })
})

test('snapshots have the fields that a create depends on', async () => {
  const { json } = await relay.request('/v1/snapshots')
  expect(
    json.items.map((item: Record<string, unknown>) => [
      item.snapshotNo,
      item.name,
      item.sizeGb,
      item.bootable,
      item.hypervisor,
      item.phase,
    ]),
  ).toEqual([
    ['12344697', 'test-snap', 10, true, 'KVM', 'ready'],
    ['12344698', 'data-snap', 20, false, 'KVM', 'ready'],
    ['12344699', 'making-snap', 10, true, 'KVM', 'pending'],
    ['12344700', 'xen-snap', 50, true, 'XEN', 'ready'],
    ['12344701', 'doomed-snap', 10, true, 'KVM', 'ready'],
  ])
  const storageNo = relay.gateway.snapshots.find('12344698')?.originalStorageNo
  for (const query of ['snapshotNo=12344698', `originalBlockStorageNo=${storageNo}`]) {
    const filtered = await relay.request(`/v1/snapshots?${query}`)
    expect(filtered.json.items).toHaveLength(1)
  }
})

describe('a conditional read', () => {
  const path = '/v1/server-images/12341457'
  const tag = ({ headers }: Answered) => headers.get('etag') ?? ''

  test('gives 304 although the gateway’s request id differs', async () => {
    const first = await relay.request(path)
    expect(tag(first)).toMatch(/^W\/"[0-9a-f]{16}"$/)
    const strong = tag(first).slice(2)
    for (const header of [tag(first), strong, `"x", ${tag(first)}`, '*']) {
      const again = await relay.request(path, { headers: { 'if-none-match': header } })
      expect([again.status, tag(again)]).toEqual([304, tag(first)])
    }
  })

  test('gives 200 when the image changed or the media type differs', async () => {
    const first = await relay.request(path)
    const known = { 'if-none-match': tag(first) }
    const text = await relay.request(path, { headers: { ...known, accept: 'text/plain' } })
    expect(text.status).toBe(200)
    expect(tag(text)).not.toBe(tag(first))
    relay.gateway.images.change('12341457', { state: states.terminating })
    expect((await relay.request(path, { headers: known })).status).toBe(200)
  })
})

describe('an image that is not final', () => {
  test('has a Retry-After header', async () => {
    const pending = await relay.request('/v1/images/12342264')
    expect(pending.headers.get('retry-after')).toBe('5')
    const ready = await relay.request('/v1/images/12341457')
    expect(ready.headers.get('retry-after')).toBeNull()
  })

  test('is waited for as long as the caller prefers', async () => {
    relay.gateway.images.change('12341457', { state: states.creating })
    setTimeout(() => relay.gateway.images.change('12341457', { state: states.created }), 500)
    const { json, headers } = await relay.request('/v1/images/12341457', {
      headers: { prefer: 'respond-async, wait=4' },
    })
    expect(json.phase).toBe('ready')
    expect(headers.get('preference-applied')).toBe('wait=4')
    expect(headers.get('vary')).toBe('Prefer, Accept')
  })

  test('is waited for in its region', async () => {
    relay.gateway.images.add({ no: '5', region: 'JPN', state: states.creating })
    setTimeout(() => relay.gateway.images.change('5', { state: states.created }), 500)
    const headers = { prefer: 'wait=1' }
    const { json } = await relay.request('/v1/images/5?regionCode=JPN', { headers })
    expect(json.phase).toBe('ready')
  })

  test('is read once more when the wait is over, even after a short wait', async () => {
    relay.gateway.images.change('12341457', { state: states.creating })
    setTimeout(() => relay.gateway.images.change('12341457', { state: states.created }), 500)
    const headers = { prefer: 'wait=1' }
    const { json } = await relay.request('/v1/images/12341457', { headers })
    expect(json.phase).toBe('ready')
  })

  test('is read once for all callers who wait for it', async () => {
    relay.gateway.images.change('12341457', { state: states.creating })
    relay.gateway.received.length = 0
    const headers = { prefer: 'wait=3' }
    const waits = Array.from({ length: 30 }, () =>
      relay.request('/v1/images/12341457', { headers }),
    )
    const phases = (await Promise.all(waits)).map(({ json }) => json.phase)
    expect(phases).toEqual(Array(30).fill('pending'))
    // One read for each caller, and then at most one every two seconds: after two seconds, and at the end.
    expect(relay.gateway.received.length).toBeGreaterThan(30)
    expect(relay.gateway.received.length).toBeLessThanOrEqual(33)
  })

  test('is returned as last read when the wait ends or a later read fails', async () => {
    const reads: Promise<Answered>[] = []
    reads.push(relay.request('/v1/images/12342264', { headers: { prefer: 'wait=3' } }))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    relay.gateway.inject({ fault: 'permission', times: 9 })
    const [answered] = await Promise.all(reads)
    expect([answered?.status, answered?.json.phase]).toEqual([200, 'pending'])
  })

  test.each([
    'foo="bar, wait=9"',
    'wait=0',
    'wait=21',
    'wait=-1',
    'wait=x',
    'wait',
    'wait=5.5',
    'respond-async',
    '',
  ])('ignores Prefer: %s', async (prefer) => {
    const { headers } = await relay.request('/v1/images/12342264', { headers: { prefer } })
    expect(headers.get('preference-applied')).toBeNull()
  })
})

describe('plain text', () => {
  const text = async (path: string) => {
    const answered = await relay.request(path, { headers: { accept: 'text/plain' } })
    expect(answered.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    return answered.text
  }

  test('has one line for an image', async () => {
    expect(await text('/v1/images/12341457')).toBe('12341457 test-kvm ready\n')
  })

  test('has one line for each item of a list', async () => {
    relay.gateway.images.add({ no: '1', name: 'web' })
    relay.gateway.images.add({ no: '2', name: 'web' })
    expect(await text('/v1/images?name=web')).toBe('1 web ready\n2 web ready\n')
    expect(await text('/v1/snapshots?snapshotNo=12344697')).toBe('12344697 test-snap ready\n')
    expect(await text('/v1/images?name=nothing')).toBe('')
  })

  test('has the title and the detail of a problem', async () => {
    expect(await text('/v1/images/99')).toBe(
      'Image not found: NAVER Cloud has no image with this number\n',
    )
  })

  test('has one line for each of several faults', async () => {
    expect(await text('/v1/images/abc?regionCode=kr')).toBe(
      [
        'Invalid input',
        'no must be 1 to 20 digits',
        'regionCode must be 2 to 10 capital letters and digits, beginning with a letter: KR, SGN, JPN …\n',
      ].join('\n'),
    )
  })

  test('has no characters that control the terminal', async () => {
    relay.gateway.images.change('12341457', { name: 'a\u001b[31mb\u202ec\nd' })
    expect(await text('/v1/images/12341457')).toBe('12341457 a [31mb c d ready\n')
  })
})

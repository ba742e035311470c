import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { call, exchange, inflated, signed } from './client.ts'
import { type FaultName, faults } from './faults.ts'
import { type Gateway, openGateway } from './gateway.ts'

let gateway: Gateway
const NOW = Date.now()

beforeAll(async () => {
  gateway = await openGateway({ now: () => NOW })
})
afterEach(() => gateway.reset())
afterAll(() => gateway.close())

const IMAGE = 'serverImageNo=12341457&responseFormatType=json'

/** Reads the documented image once with the fault. */
function meet(fault: FaultName, isEnough?: (body: Buffer) => boolean) {
  gateway.inject({ fault })
  return exchange(gateway, 'getServerImageDetail', IMAGE, isEnough)
}

/** Returns the answer to such a read, with its status, headers and text. */
async function answer(fault: FaultName) {
  const { head, body } = await meet(fault)
  return {
    status: Number(/^HTTP\/1.1 (\d+)/.exec(head)?.[1]),
    type: /^content-type: (.*)$/im.exec(head)?.[1],
    retryAfter: /^retry-after: (.*)$/im.exec(head)?.[1],
    text: body.toString(),
  }
}

async function envelope(fault: FaultName): Promise<Record<string, unknown>> {
  const { text } = await answer(fault)
  const [[root, value] = []] = Object.entries<Record<string, unknown>>(JSON.parse(text))
  return { root, ...value }
}

const JSON_TYPE = 'application/json;charset=UTF-8'
const XML_TYPE = 'application/xml;charset=UTF-8'

test('every fault is tested in this file', async () => {
  const source = await readFile(new URL(import.meta.url), 'utf8')
  const absent = Object.keys(faults).filter((name) => !source.includes(`'${name}'`))
  expect(absent).toEqual([])
})

describe('errors', () => {
  test.each([
    ['credentials', 401, '200', 'Authentication Failed', 'Invalid authentication information.'],
    ['permission', 401, '210', 'Permission Denied', 'A subscription to the API is required.'],
    ['forbidden', 403, '230', 'Forbidden', ''],
    ['forbidden-permission', 403, '210', 'Permission Denied', ''],
    ['not-found-url', 404, '300', 'Not Found Exception', 'URL not found.'],
    ['bad-request', 400, '100', 'Bad Request Exception', ''],
    ['quota-exceeded', 429, '400', 'Quota Exceeded', ''],
    ['throttled', 429, '410', 'Throttle Limited', ''],
    ['rate-limited', 429, '420', 'Rate Limited', ''],
    ['too-large', 413, '430', 'Request Entity Too Large', ''],
    ['endpoint-error', 503, '500', 'Endpoint Error', ''],
    ['endpoint-timeout', 504, '510', 'Endpoint Timeout', ''],
    ['unexpected', 500, '900', 'Unexpected Error', ''],
    ['error-in-200', 200, '200', 'Authentication Failed', ''],
  ] as const)(
    '%s is HTTP %i with errorCode %s',
    async (fault, status, errorCode, message, details) => {
      const { text, ...rest } = await answer(fault)
      expect({ ...rest, ...JSON.parse(text) }).toMatchObject({
        status,
        type: JSON_TYPE,
        error: { errorCode, message, details },
      })
      expect(gateway.received).toMatchObject([{ refusal: 'fault' }])
    },
  )

  test.each([
    ['authority', 400, '800'],
    ['try-later', 500, '1000'],
    ['refused', 400, '1401'],
    ['no-such-image', 400, '1104037'],
    ['in-operation', 400, '25013'],
    ['response-error-in-200', 200, '1300'],
  ] as const)('%s is HTTP %i with returnCode %s', async (fault, status, returnCode) => {
    const { text, ...rest } = await answer(fault)
    expect({ ...rest, ...JSON.parse(text) }).toMatchObject({
      status,
      type: JSON_TYPE,
      responseError: { returnCode, returnMessage: expect.any(String) },
    })
  })

  test.each([
    ['throttled', '1'],
    ['throttled-absurd', '1000000000000000000000000000000'],
    ['throttled-negative', '-5'],
    ['throttled-date', new Date(NOW + 2000).toUTCString()],
    ['throttled-text', 'soon'],
    ['throttled-bare', undefined],
  ] as const)('%s has the Retry-After header %s', async (fault, retryAfter) => {
    expect(await answer(fault)).toMatchObject({
      status: 429,
      retryAfter,
      text: '{"error":{"errorCode":"410","message":"Throttle Limited","details":""}}',
    })
  })

  test('response-code-variant has responseCode and responseMessage', async () => {
    const { status, text } = await answer('response-code-variant')
    expect({ status, ...JSON.parse(text) }).toEqual({
      status: 500,
      responseError: {
        responseCode: '3000100',
        responseMessage: 'External interworking failed.',
      },
    })
  })

  test('numeric-error-code has a number as errorCode', async () => {
    const { status, text } = await answer('numeric-error-code')
    expect({ status, ...JSON.parse(text) }).toMatchObject({
      status: 401,
      error: { errorCode: 200 },
    })
  })
})

describe('answers in another form', () => {
  test.each([
    ['html-502', 502],
    ['html-200', 200],
  ] as const)('%s is an HTML page with HTTP %i', async (fault, status) => {
    expect(await answer(fault)).toMatchObject({
      status,
      type: 'text/html',
      text: expect.stringMatching(/^<html>.*<\/html>$/),
    })
  })

  test('empty-200 has no body', async () => {
    expect(await answer('empty-200')).toMatchObject({ status: 200, text: '' })
  })

  test('xml-success is the result in XML', async () => {
    const { status, type, text } = await answer('xml-success')
    expect({ status, type }).toEqual({ status: 200, type: XML_TYPE })
    expect(text).toMatch(/<getServerImageDetailResponse>.*<serverImageNo>12341457<\/serverImageNo>/)
  })

  test('xml-response-error and xml-gateway-error are errors in XML', async () => {
    const prolog = '<?xml version="1.0" encoding="UTF-8"?>'
    expect(await answer('xml-response-error')).toMatchObject({
      status: 400,
      type: XML_TYPE,
      text: `${prolog}<responseError><returnCode>1300</returnCode><returnMessage>The parameter is not valid.</returnMessage></responseError>`,
    })
    expect(await answer('xml-gateway-error')).toMatchObject({
      status: 400,
      type: XML_TYPE,
      text: `${prolog}<error><errorCode>100</errorCode><message>Bad Request Exception</message><details></details></error>`,
    })
  })

  test('json-as-text-plain is JSON with the type text/plain', async () => {
    const { type, text } = await answer('json-as-text-plain')
    expect(type).toBe('text/plain;charset=UTF-8')
    expect(JSON.parse(text)).toHaveProperty('getServerImageDetailResponse.returnCode', '0')
  })

  test('byte-order-mark starts with a byte order mark', async () => {
    const { body } = await meet('byte-order-mark')
    expect(body.subarray(0, 4)).toEqual(Buffer.from([0xef, 0xbb, 0xbf, 0x7b]))
    expect(JSON.parse(body.toString().slice(1))).toHaveProperty('getServerImageDetailResponse')
  })

  test('gzip is compressed', async () => {
    const met = await meet('gzip')
    expect(met.head).toMatch(/^content-encoding: gzip$/im)
    expect(JSON.parse(inflated(met).toString())).toHaveProperty('getServerImageDetailResponse')
  })

  test('informational sends 103 Early Hints before the answer', async () => {
    const { head, body } = await meet('informational')
    expect(head).toMatch(/^HTTP\/1\.1 103 Early Hints\r\n(.*\r\n)*\r\nHTTP\/1\.1 200 OK\r\n/)
    expect(JSON.parse(body.toString())).toHaveProperty('getServerImageDetailResponse')
  })

  test('switching-protocols sends 101 and leaves the connection open', async () => {
    const { head, ending } = await meet('switching-protocols', () => true)
    expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    expect(ending).toBe('open')
  })

  test('redirect names another address of the gateway', async () => {
    const { head } = await meet('redirect')
    expect(head).toMatch(/^HTTP\/1\.1 307 /)
    expect(head).toContain(
      `\r\nLocation: ${gateway.origin}/elsewhere/vserver/v2/getServerImageDetail?${IMAGE}\r\n`,
    )
  })
})

describe('answers with another structure', () => {
  test('wrong-root and unknown-root have another root', async () => {
    expect(await envelope('wrong-root')).toMatchObject({
      root: 'getServerImageListResponse',
      totalRows: 1,
    })
    expect(await envelope('unknown-root')).toMatchObject({ root: 'result', totalRows: 1 })
  })

  test('failing-return-code has HTTP 200, returnCode 1300 and no list', async () => {
    expect(await answer('failing-return-code')).toMatchObject({ status: 200 })
    const failing = await envelope('failing-return-code')
    expect(failing).toMatchObject({ root: 'getServerImageDetailResponse', returnCode: '1300' })
    expect(failing).not.toHaveProperty('serverImageList')
  })

  test('numeric-return-code has a number as returnCode', async () => {
    expect(await envelope('numeric-return-code')).toMatchObject({ returnCode: 0, totalRows: 1 })
  })

  test('rows-lie has totalRows 3 and one row', async () => {
    const { totalRows, serverImageList } = await envelope('rows-lie')
    expect([totalRows, serverImageList]).toMatchObject([3, [{ serverImageNo: '12341457' }]])
    expect(serverImageList).toHaveLength(1)
  })

  test('odd-types has other types in fields that decide nothing', async () => {
    const { serverImageList } = await envelope('odd-types')
    expect(serverImageList).toMatchObject([
      {
        serverImageNo: '12341457',
        serverImageStatus: { code: 'CREAT' },
        createDate: {},
        blockStorageMappingList: [{ order: '0', iops: '100', isEncryptedVolume: 'false' }],
      },
    ])
  })

  test('another-row is about another image', async () => {
    const { serverImageList } = await envelope('another-row')
    expect(serverImageList).toMatchObject([{ serverImageNo: '82265', serverImageName: 'another' }])
  })

  test('repeated-rows has its row twice', async () => {
    const { totalRows, serverImageList } = await envelope('repeated-rows')
    expect([totalRows, serverImageList]).toMatchObject([1, [{}, {}]])
  })

  test('edited-description has a word after each description', async () => {
    gateway.images.change('12341457', { description: 'nightly' })
    const { serverImageList } = await envelope('edited-description')
    expect(serverImageList).toMatchObject([{ serverImageDescription: 'nightly edited' }])
  })

  test('quoted-headers has the headers of the request in its message', async () => {
    const { text } = await answer('quoted-headers')
    expect(JSON.parse(text).responseError.returnMessage).toContain(gateway.accessKey)
  })

  test('slow answers after 5 s', { timeout: 20_000 }, async () => {
    const startedAt = performance.now()
    expect(await answer('slow')).toMatchObject({ status: 200 })
    expect(performance.now() - startedAt).toBeGreaterThan(4_900)
  })

  test('extra-fields has unknown fields in every object', async () => {
    const extra = { addedLaterName: 'later' }
    expect(await envelope('extra-fields')).toMatchObject({
      ...extra,
      serverImageList: [
        {
          ...extra,
          serverImageNo: '12341457',
          serverImageStatus: { ...extra, code: 'CREAT' },
          blockStorageMappingList: [{ ...extra, order: 0 }],
        },
      ],
    })
  })

  test('missing-fields lacks the optional fields', async () => {
    gateway.images.change('12341457', { description: 'here' })
    const { text } = await answer('missing-fields')
    const missing = /requestId|Description|LifeCyclePhase|platformCategoryCode/
    expect(text).not.toMatch(missing)
    expect(text).toContain('"serverImageNo":"12341457"')
  })

  test('unknown-codes has undocumented status and operation codes', async () => {
    const { serverImageList } = await envelope('unknown-codes')
    expect(serverImageList).toMatchObject([
      {
        serverImageStatus: { code: 'WXYZ' },
        serverImageOperation: { code: 'QRST' },
        shareStatus: { code: 'NULL' },
      },
    ])
  })
})

describe('bodies that are hard to parse', () => {
  test('doc-sample-invalid is the documented sample with its masked numbers', async () => {
    const { status, type, text } = await answer('doc-sample-invalid')
    expect({ status, type }).toEqual({ status: 200, type: JSON_TYPE })
    expect(text).toContain('"blockStorageSnapshotInstanceNo": *****4697,')
    expect(() => JSON.parse(text)).toThrow()
  })

  test('truncated ends in the middle of the JSON, with a matching content-length', async () => {
    const { head, body } = await meet('truncated')
    expect(head).toMatch(new RegExp(`^content-length: ${body.length}$`, 'im'))
    expect(body.toString()).toMatch(/^\{"getServerImageDetailResponse":/)
    expect(() => JSON.parse(body.toString())).toThrow()
  })

  test('invalid-utf8 has invalid bytes in its last text', async () => {
    const { body } = await meet('invalid-utf8')
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(body)).toThrow()
    expect(JSON.parse(body.toString())).toHaveProperty(
      'getServerImageDetailResponse.returnMessage',
      'success\uFFFD(\uFFFD',
    )
  })

  test('deep and deep-open have 1,000,000 brackets', async () => {
    const root = '{"getServerImageDetailResponse":'
    const deep = (await meet('deep')).body.toString()
    expect(deep).toBe(`${root}${'['.repeat(1e6)}${']'.repeat(1e6)}}`)
    const open = (await meet('deep-open')).body.toString()
    expect(open).toBe(`${root}${'['.repeat(1e6)}`)
    expect(open.length).toBeLessThan(1024 * 1024)
  })

  test('gzip-bomb has less than 100 kB and inflates to more than 20 MiB', async () => {
    const met = await meet('gzip-bomb')
    expect(met.head).toMatch(/^content-encoding: gzip$/im)
    expect(met.body.length).toBeLessThan(100_000)
    expect(inflated(met).length).toBeGreaterThan(20 * 1024 * 1024)
  })

  test('giant sends at the pace of its reader and counts the sent bytes', async () => {
    const met = await meet('giant', (body) => body.length > 2 * 1024 * 1024)
    expect(met.head).toMatch(/^transfer-encoding: chunked$/im)
    expect(met.body.toString('latin1', 0, 100)).toContain('{"getServerImageDetailResponse":{')
    const sent = gateway.received[0]?.sent
    expect(sent).toBeGreaterThan(1024 * 1024)
    expect(sent).toBeLessThan(2 ** 30)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(gateway.received[0]?.sent).toBeLessThan((sent ?? 0) + 1024 * 1024)
  })
})

test('giant waits for a reader that does not read', async () => {
  gateway.inject({ fault: 'giant' })
  const target = `/vserver/v2/getServerImageDetail?${IMAGE}`
  const request = http.get(gateway.origin + target, { headers: signed(gateway, `GET ${target}`) })
  await once(request, 'response')
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(gateway.received[0]?.sent).toBeLessThan(64 * 1024 * 1024)
  request.destroy()
})

describe('connections that end in the middle of an answer', () => {
  test.each([
    ['reset-before', 'reset'],
    ['close-before', 'close'],
    ['hang', 'open'],
  ] as const)('%s sends nothing, then the connection state is %s', async (fault, ending) => {
    expect(await meet(fault, ending === 'open' ? () => true : undefined)).toMatchObject({
      ending,
      body: Buffer.alloc(0),
    })
    expect(gateway.received).toMatchObject([{ refusal: 'fault' }])
  })

  test.each([
    ['reset-in-body', 'reset'],
    ['close-in-body', 'close'],
    ['hang-in-body', 'open'],
  ] as const)(
    '%s sends half of the body, then the connection state is %s',
    async (fault, ending) => {
      const hasBody = (body: Buffer) => body.length > 0
      const met = await meet(fault, ending === 'open' ? hasBody : undefined)
      expect(met.ending).toBe(ending)
      const announced = Number(/^content-length: (\d+)$/im.exec(met.head)?.[1])
      expect(met.body.length).toBe(Math.floor(announced / 2))
      expect(met.body.toString()).toMatch(/^\{"getServerImageDetailResponse":/)
    },
  )

  test('drip sends the headers, then one byte per second', async () => {
    const met = await meet('drip', (body) => body.length > 0)
    expect(met.ending).toBe('open')
    expect(met.body.toString()).toMatch(/^\{"?$/)
    expect(met.head).toMatch(/^content-length: \d{3,}$/im)
  })

  test('every connection ends after its answer without keepAlive', async () => {
    const short = await openGateway({ keepAlive: false })
    const met = await exchange(short, 'getServerImageDetail', IMAGE)
    expect(met.head).toMatch(/^HTTP\/1\.1 200 /)
    expect(met.ending).toBe('close')
    await short.close()
  })

  test('closing the gateway ends hanging connections', async () => {
    const short = await openGateway()
    short.inject({ fault: 'hang', times: Infinity })
    const hanging = [1, 2].map(() => exchange(short, 'getServerImageDetail', IMAGE))
    await expect.poll(() => short.received.length).toBe(2)
    await short.close()
    for (const { ending } of await Promise.all(hanging)) expect(ending).not.toBe('open')
  })
})

describe('injections', () => {
  const CREATE = {
    serverImageName: 'test-img',
    'blockStorageList.1.order': '0',
    'blockStorageList.1.snapshotInstanceNo': '12344697',
  }
  const detail = () => call(gateway, 'getServerImageDetail', { serverImageNo: '12341457' })
  const create = () => call(gateway, 'createServerImageFromSnapshot', CREATE, { method: 'POST' })
  const names = () => gateway.images.all().map(({ name }) => name)

  test('are used up in order by matching requests', async () => {
    gateway.inject({ fault: 'endpoint-error', action: 'createServerImageFromSnapshot' })
    gateway.inject({ fault: 'try-later', times: 2 })
    gateway.inject({ fault: { status: 418, headers: { 'X-Tea': 'yes' }, body: 'tea' } })
    const statuses = []
    for (const send of [detail, create, create, detail, detail])
      statuses.push((await send()).status)
    expect(statuses).toEqual([500, 503, 500, 418, 200])
    expect(gateway.pending).toEqual([])
  })

  test('apply to a request with a given parameter value', async () => {
    gateway.inject({ fault: 'endpoint-error', of: 'test-img' })
    expect((await detail()).status).toBe(200)
    expect((await create()).status).toBe(503)
    expect((await create()).status).toBe(200)
  })

  test('can apply to every request', async () => {
    gateway.inject({ fault: 'endpoint-error', times: Infinity })
    for (let time = 0; time < 5; time++) expect((await detail()).status).toBe(503)
  })

  test('apply only to a request with a valid signature', async () => {
    gateway.inject({ fault: 'html-502' })
    const path = '/vserver/v2/getServerImageDetail'
    expect((await fetch(gateway.origin + path)).status).toBe(401)
    expect((await fetch(`${gateway.origin}/elsewhere`)).status).toBe(404)
    expect((await detail()).status).toBe(502)
  })

  test('prevent a create unless they are applied', async () => {
    gateway.inject({ fault: 'endpoint-timeout' })
    expect((await create()).status).toBe(504)
    expect(names()).not.toContain('test-img')
    gateway.inject({ fault: 'endpoint-timeout', applied: true })
    expect((await create()).status).toBe(504)
    expect(names()).toContain('test-img')
    gateway.inject({ fault: 'hang', applied: true })
    const create2 = call(gateway, 'createServerImageFromSnapshot', {
      ...CREATE,
      serverImageName: 'hung-img',
    })
    await expect.poll(names).toContain('hung-img')
    await gateway.close()
    await expect(create2).rejects.toThrow()
    gateway = await openGateway({ now: () => NOW })
  })

  test('an applied create with another root returns the image that it made', async () => {
    gateway.inject({ fault: 'wrong-root', applied: true })
    const { text } = await create()
    const [image] = JSON.parse(text).getServerImageListResponse.serverImageList
    expect(gateway.images.find(image.serverImageNo)).toMatchObject({ name: 'test-img' })
  })

  test('an invalid create makes no image, even if applied', async () => {
    gateway.inject({ fault: 'endpoint-timeout', applied: true })
    const { status } = await call(gateway, 'createServerImageFromSnapshot', {})
    expect(status).toBe(504)
    expect(names()).toHaveLength(5)
  })
})

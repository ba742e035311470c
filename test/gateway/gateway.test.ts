import { readFile } from 'node:fs/promises'
import http from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { call, signed } from './client.ts'
import { type Gateway, type GatewayOptions, openGateway } from './gateway.ts'
import { sharedLoginIds } from './member-server-images.ts'
import { states } from './shelf.ts'
import { signatureOf } from './signature.ts'

let gateway: Gateway

afterEach(() => gateway?.close())

async function open(options: GatewayOptions = {}) {
  gateway = await openGateway(options)
  return gateway
}

const CREATE = {
  serverImageName: 'test-img',
  'blockStorageList.1.order': '0',
  'blockStorageList.1.snapshotInstanceNo': '12344697',
}

// These vectors are from other projects: sjk4425/ncloud-mcp-server, a Go and a Java mailer client.
test.each([
  {
    line: {
      method: 'GET',
      target: '/vserver/v2/getServerInstanceList?responseFormatType=json',
      timestamp: '1234567890123',
    },
    keys: { accessKey: 'TestAccessKey', secretKey: 'TestSecretKey' },
    signature: 'FPsYYX8fuMAgi+cue3eACOW0dNtIwu1LYWfg/megA2M=',
  },
  {
    line: { method: 'POST', target: '/api/v1/mails', timestamp: '856915200000' },
    keys: { accessKey: 'test-access-key', secretKey: 'test-secret-key' },
    signature: 'F1YxxwEjDRZmNLxqqDFz53OpbvLrMCqEsv9tLxoBcWE=',
  },
  {
    line: { method: 'POST', target: '/api/v1/mails', timestamp: '1789174800000' },
    keys: { accessKey: 'test-access-key', secretKey: 'test-secret-key' },
    signature: 'sUivhBVe0ZI9YKhZPcvrMaOmFgI67grJuG5OI+T9nrE=',
  },
])('computes the known signature of $line.method $line.timestamp', ({ line, keys, signature }) => {
  expect(signatureOf(line, keys)).toBe(signature)
})

test.each([
  [
    'GET',
    '/vserver/v2/getMemberServerImageInstanceDetail?regionCode=KR&memberServerImageInstanceNo=12342264&responseFormatType=json',
    's18IggfCqDUp2Wq20Ms97MEJb7ofHE8T78l9RUcQqhU=',
    200,
  ],
  [
    'GET',
    '/vserver/v2/createServerImageFromSnapshot?regionCode=KR&serverImageName=test-img&blockStorageList.1.order=0&blockStorageList.1.snapshotInstanceNo=12344697&responseFormatType=json',
    'sEFnNkOCfVgW10Eos5ttnuNp91oHUJM24n8jk2w3xhI=',
    200,
  ],
  [
    'POST',
    '/vserver/v2/createServerImageFromSnapshot',
    'HpVRN4n+XObZia8J3s7zoBngEn4RgRxwSBcUZ7Pbfo4=',
    400,
  ],
  [
    'GET',
    '/vserver/v2/createServerImageFromSnapshot?serverImageName=test-img&serverImageDescription=a%20b%2Bc%2A%ED%95%9C&responseFormatType=json',
    'c6hALNBEraYtn42WouJQaZERwV263YpSpFrbWrQEl2c=',
    400,
  ],
])(
  'accepts a request that another program signed: %s %s',
  async (method, target, signature, status) => {
    await open({ now: () => 1234567890123 })
    const response = await fetch(gateway.origin + target, {
      method,
      headers: {
        'x-ncp-apigw-timestamp': '1234567890123',
        'x-ncp-iam-access-key': 'TestAccessKey',
        'x-ncp-apigw-signature-v2': signature,
      },
    })
    expect(response.status).toBe(status)
    expect(response.headers.get('date')).toBe('Fri, 13 Feb 2009 23:31:30 GMT')
  },
)

test('reads the documented XEN image as the document prints it', async () => {
  await open()
  const { text, headers } = await call(gateway, 'getMemberServerImageInstanceDetail', {
    memberServerImageInstanceNo: '12342264',
  })
  const fixture = new URL(
    '../fixtures/get-member-server-image-instance-detail.json',
    import.meta.url,
  )
  const documented = (await readFile(fixture, 'utf8'))
    .replace('*****2264', '12342264')
    .replace('*****2010', '12342010')
    .replace('test-***', 'test-xen')
  const requestId = /"requestId":"([0-9a-f-]{36})"/.exec(text)?.[1] ?? ''
  expect(text.replace(requestId, 'dc57ca35-9e8c-4ee0-80a3-65b8214fa5f3')).toBe(
    JSON.stringify(JSON.parse(documented)),
  )
  expect(headers.get('content-type')).toBe('application/json;charset=UTF-8')
})

test('reads the documented KVM image as the document prints it', async () => {
  await open()
  const { text } = await call(gateway, 'getServerImageDetail', { serverImageNo: '12341457' })
  const fixture = new URL('../fixtures/create-server-image-from-snapshot.json', import.meta.url)
  const documented = (await readFile(fixture, 'utf8'))
    .replace('createServerImageFromSnapshotResponse', 'getServerImageDetailResponse')
    .replace('*****1457', '12341457')
    .replace('*****4697', '12344697')
    .replace('test-***', 'test-kvm')
    .replace('test-***', 'test-snap')
  const requestId = /"requestId":"([0-9a-f-]{36})"/.exec(text)?.[1] ?? ''
  expect(text.replace(requestId, 'a4981568-2d6a-4446-8519-940cc764729f')).toBe(
    JSON.stringify(JSON.parse(documented)),
  )
})

const reads = [
  ['getMemberServerImageInstanceDetail', { memberServerImageInstanceNo: '3051719' }],
  ['getServerImageDetail', { serverImageNo: '3051719' }],
  ['getServerImageList', { serverImageName: 'xen-golden' }],
  ['getBlockStorageSnapshotInstanceList', { blockStorageSnapshotName: 'xen-snap' }],
  ['createServerImageFromSnapshot', CREATE],
] as const

test.each(reads)('%s answers GET and POST in JSON and XML', async (action, parameters) => {
  await open()
  for (const method of ['GET', 'POST']) {
    const json = await call(gateway, action, parameters, { method })
    const [[root, envelope] = []] = Object.entries(JSON.parse(json.text))
    expect(root).toBe(`${action}Response`)
    expect(envelope).toMatchObject({ totalRows: 1, returnCode: '0', returnMessage: 'success' })
    const xml = await call(gateway, action, parameters, { method, format: 'xml' })
    expect(xml.headers.get('content-type')).toBe('application/xml;charset=UTF-8')
    expect(xml.text).toMatch(
      new RegExp(
        `^<\\?xml version="1.0" encoding="UTF-8"\\?><${action}Response><requestId>[0-9a-f-]{36}</requestId>` +
          '<returnCode>0</returnCode><returnMessage>success</returnMessage><totalRows>1</totalRows>' +
          `<(\\w+)List><\\1>.*</\\1></\\1List></${action}Response>$`,
      ),
    )
  }
})

test('XML has empty elements for absent texts and singular elements in lists', async () => {
  await open()
  gateway.images.add({ no: '1', name: 'a', description: '<&>\r\u0001한' })
  const of = (serverImageNo: string) =>
    call(gateway, 'getServerImageDetail', { serverImageNo }, { format: 'anything' })
  expect((await of('1')).text).toContain(
    '<serverImageDescription>&lt;&amp;&gt;&#13;\uFFFD한</serverImageDescription>',
  )
  const golden = (await of('3051719')).text
  expect(golden).toContain('<serverImageDescription></serverImageDescription>')
  expect(golden).toContain(
    `<sharedLoginIdList><sharedLoginId>${sharedLoginIds[0]}</sharedLoginId>` +
      `<sharedLoginId>${sharedLoginIds[1]}</sharedLoginId></sharedLoginIdList>`,
  )
  expect(golden).toContain('<blockStorageMappingList><blockStorageMapping><order>0</order>')
})

const DETAIL = '/vserver/v2/getServerImageDetail?serverImageNo=12341457&responseFormatType=json'
const MISSING =
  '{"error":{"errorCode":"200","message":"Authentication Failed","details":"Authentication information are missing."}}'
const INVALID =
  '{"error":{"errorCode":"200","message":"Authentication Failed","details":"Invalid authentication information."}}'

async function get(headers: Record<string, string>, target = DETAIL) {
  const response = await fetch(gateway.origin + target, { headers })
  return `${response.status} ${await response.text()}`
}

test('accepts a timestamp at most 5 minutes in the past or the future', async () => {
  const now = 1_800_000_000_000
  await open({ now: () => now })
  const off = (ms: number) => get(signed(gateway, `GET ${DETAIL}`, { at: now + ms }))
  for (const ms of [-300_000, 300_000]) expect(await off(ms)).toMatch(/^200 /)
  for (const ms of [-300_001, 300_001, -301_000, 301_000])
    expect(await off(ms)).toBe(`401 ${INVALID}`)
  expect(gateway.received.map(({ refusal }) => refusal)).toEqual([
    ...[null, null],
    ...Array(4).fill('401/200'),
  ])
})

test.each(['0x1a3185c5000', '1800000000000.0', '1.8e12', '+1800000000000', '-1800000000000'])(
  'rejects the timestamp %s',
  async (at) => {
    await open({ now: () => 1_800_000_000_000 })
    expect(await get(signed(gateway, `GET ${DETAIL}`, { at }))).toBe(`401 ${INVALID}`)
    const plain = signed(gateway, `GET ${DETAIL}`, { at: '1800000000000' })
    expect(await get(plain)).toMatch(/^200 /)
  },
)

test('requires every signature header', async () => {
  await open()
  const headers = signed(gateway, `GET ${DETAIL}`)
  for (const name of Object.keys(headers)) {
    const rest = Object.fromEntries(Object.entries(headers).filter(([each]) => each !== name))
    expect(await get(rest)).toBe(`401 ${MISSING}`)
  }
})

test('a signature is valid only for its query, its method and its keys', async () => {
  await open()
  const good = signed(gateway, `GET ${DETAIL}`)
  expect(await get(good)).toMatch(/^200 /)
  expect(await get(good, DETAIL.replace('12341457', '12341458'))).toBe(`401 ${INVALID}`)
  expect(await get(good, `${DETAIL}&`)).toBe(`401 ${INVALID}`)
  expect(await get(good, DETAIL.replace('json', '%6Ason'))).toMatch(/^401 /)
  expect(await get({ ...good, 'x-ncp-iam-access-key': 'x' })).toBe(`401 ${INVALID}`)
  expect(await get(signed(gateway, `POST ${DETAIL}`))).toBe(`401 ${INVALID}`)
  expect(await get(signed(gateway, `GET ${DETAIL}`, { secretKey: 'x' }))).toBe(`401 ${INVALID}`)
  expect(await get(signed(gateway, `GET ${DETAIL}`, { accessKey: 'x' }))).toBe(`401 ${INVALID}`)
})

test('accepts only the new key pair after a rotation', async () => {
  await open({ accessKey: 'first', secretKey: 'one' })
  const old = signed(gateway, `GET ${DETAIL}`)
  expect(await get(old)).toMatch(/^200 /)
  gateway.rotate('second', 'two')
  expect(await get(old)).toBe(`401 ${INVALID}`)
  expect(await get(signed(gateway, `GET ${DETAIL}`))).toMatch(/^200 /)
})

test('checks the URL, then the signature, then the parameters', async () => {
  await open()
  const query = '?responseFormatType=json&nonsense=1'
  const error =
    '{"error":{"errorCode":"300","message":"Not Found Exception","details":"URL not found."}}'
  for (const path of ['/vserver/v2/deleteServerImages', '/server/v2/getServerImageDetail', '/']) {
    expect(await get({}, path + query)).toBe(`404 ${error}`)
  }
  expect(await get({}, `/vserver/v2/getServerImageDetail${query}`)).toBe(`401 ${MISSING}`)
  const put = await fetch(gateway.origin + DETAIL, { method: 'PUT', body: 'x' })
  expect(`${put.status} ${await put.text()}`).toBe(`404 ${error}`)
})

test('gateway errors are XML unless the request asks for JSON', async () => {
  await open()
  expect(await get({}, '/vserver/v2/getServerImageDetail')).toBe(
    '401 <?xml version="1.0" encoding="UTF-8"?><error><errorCode>200</errorCode>' +
      '<message>Authentication Failed</message>' +
      '<details>Authentication information are missing.</details></error>',
  )
})

async function post(body: string | Uint8Array<ArrayBuffer>, type: string | null, query = '') {
  const target = `/vserver/v2/getServerImageDetail${query}`
  const headers = { ...signed(gateway, `POST ${target}`), ...(type && { 'content-type': type }) }
  const response = await fetch(gateway.origin + target, { method: 'POST', headers, body })
  return `${response.status} ${await response.text()}`
}

test('requires a body to be a form in UTF-8', async () => {
  await open()
  const form = 'application/x-www-form-urlencoded'
  const json = 'responseFormatType=json'
  expect(await post(`serverImageNo=1&${json}`, `${form}; charset=UTF-8`)).toMatch(/^200 /)
  expect(await post(`${json}`, form, '?serverImageNo=1')).toMatch(/^200 /)
  const refused = /^400 \{"error":\{"errorCode":"100","message":"Bad Request Exception"/
  expect(await post(`serverImageNo=1&${json}`, null)).toMatch(refused)
  expect(await post('{"serverImageNo":"1"}', 'application/json', `?${json}`)).toMatch(refused)
  for (const broken of ['%ED%95', '%zz', '%']) {
    expect(await post(`serverImageNo=${broken}&${json}`, form)).toMatch(refused)
  }
  const latin1 = Buffer.from(`serverImageNo=\xe9&${json}`, 'latin1')
  expect(await post(new Uint8Array(latin1), form)).toMatch(refused)
})

function responseError(message: string) {
  return JSON.stringify({ responseError: { returnCode: '1300', returnMessage: message } }, null, 2)
}

test.each([
  ['serverImageNo=1&serverImageNo=1', 'serverImageNo must not be given twice'],
  ['', 'serverImageNo is required'],
  ['serverImageNo=abc', 'serverImageNo must be digits'],
  ['serverImageNo=', 'serverImageNo must be digits'],
  ['serverImageNo=1&zone=KR-1', 'zone is not a parameter of this action'],
  ['serverImageNo=1&__proto__=1', '__proto__ is not a parameter of this action'],
  ['serverImageNo=1&regionCode=USWN', 'regionCode must be one of KR, SGN, JPN, KRS, FKR'],
])('refuses a detail request with %j', async (query, message) => {
  await open()
  const target = `/vserver/v2/getServerImageDetail?responseFormatType=json&${query}`
  const answer = await get(signed(gateway, `GET ${target}`), target)
  expect(answer).toBe(`400 ${responseError(message)}`)
  expect(gateway.received.at(-1)?.refusal).toBe('400/1300')
})

test('refuses a parameter that is in both the query and the form', async () => {
  await open()
  const type = 'application/x-www-form-urlencoded'
  const json = 'responseFormatType=json'
  expect(await post('serverImageNo=1', type, `?serverImageNo=1&${json}`)).toMatch(
    /^400 .*serverImageNo must not be given twice/s,
  )
})

test('returns no row for an unknown image, or an error if so configured', async () => {
  const unknown = [
    ['getServerImageDetail', { serverImageNo: '1' }],
    ['getServerImageDetail', { serverImageNo: '12341457', regionCode: 'JPN' }],
    ['getMemberServerImageInstanceDetail', { memberServerImageInstanceNo: '12341457' }],
  ] as const
  await open()
  for (const [action, parameters] of unknown) {
    const { status, text } = await call(gateway, action, parameters)
    expect(status).toBe(200)
    expect(text).toMatch(/^\{"\w+Response":\{"totalRows":0,"\w+List":\[\],/)
  }
  await gateway.close()
  await open({ unknownImage: 'refusal' })
  for (const [action, parameters] of unknown) {
    const { status, text } = await call(gateway, action, parameters)
    expect({ status, ...JSON.parse(text) }).toEqual({
      status: 400,
      responseError: {
        returnCode: '1104037',
        returnMessage: 'The server image could not be found.',
      },
    })
  }
})

async function list(action: string, parameters: Record<string, string> = {}) {
  const { text } = await call(gateway, action, parameters)
  const envelope = JSON.parse(text)[`${action}Response`]
  if (!envelope) throw new Error(text)
  const rows = envelope.serverImageList ?? envelope.blockStorageSnapshotInstanceList
  return {
    totalRows: envelope.totalRows,
    names: rows.map(
      (row: Record<string, string>) => row.serverImageName ?? row.blockStorageSnapshotName,
    ),
  }
}

const images = (parameters?: Record<string, string>) => list('getServerImageList', parameters)

test('the image list supports every documented filter', async () => {
  await open()
  const seeds = ['test-kvm', 'test-failed', 'test-terminating', 'ubuntu-22.04-base', 'xen-golden']
  expect(await images()).toEqual({ totalRows: 5, names: seeds })
  const found = async (parameters: Record<string, string>) => (await images(parameters)).names
  expect(
    await found({ 'serverImageNoList.1': '12341458', 'serverImageNoList.2': '12341457' }),
  ).toEqual(['test-kvm', 'test-failed'])
  expect(await found({ serverImageName: 'test-' })).toEqual(seeds.slice(0, 3))
  expect(await found({ serverImageStatusCode: 'CREFL' })).toEqual(['test-failed'])
  expect(await found({ 'serverImageTypeCodeList.1': 'NCP' })).toEqual(['ubuntu-22.04-base'])
  expect(await found({ 'hypervisorTypeCodeList.1': 'XEN' })).toEqual(['xen-golden'])
  expect(await found({ 'osTypeCodeList.1': 'ROCKY' })).toEqual([])
  expect(await found({ 'platformCategoryCodeList.1': 'OS', serverImageName: 'kvm' })).toEqual([
    'test-kvm',
  ])
  expect(await found({ regionCode: 'SGN' })).toEqual([])
})

test('the name filter is exact if so configured', async () => {
  await open({ nameFilter: 'exact' })
  expect((await images({ serverImageName: 'test-' })).names).toEqual([])
  expect((await images({ serverImageName: 'test-kvm' })).names).toEqual(['test-kvm'])
})

test('returns pages of a list, and 0 and 1 both mean the first page', async () => {
  await open()
  const sorted = { sortedBy: 'serverImageName', pageSize: '2' }
  const page = async (pageNo: string, sortingOrder = 'ASC') =>
    images({ ...sorted, pageNo, sortingOrder })
  const first = { totalRows: 5, names: ['test-failed', 'test-kvm'] }
  expect(await page('0')).toEqual(first)
  expect(await page('1')).toEqual(first)
  expect((await page('2')).names).toEqual(['test-terminating', 'ubuntu-22.04-base'])
  expect((await page('3')).names).toEqual(['xen-golden'])
  expect(await page('4')).toEqual({ totalRows: 5, names: [] })
  expect((await page('1', 'DESC')).names).toEqual(['xen-golden', 'ubuntu-22.04-base'])
})

test.each([
  [{ pageNo: '1' }, 'pageSize is required with pageNo'],
  [{ pageSize: '1' }, 'pageNo is required with pageSize'],
  [{ pageNo: '1', pageSize: '0' }, 'pageSize must be an integer from 1 to 1000'],
  [{ pageNo: '1', pageSize: '1001' }, 'pageSize must be an integer from 1 to 1000'],
  [{ pageNo: '-1', pageSize: '1' }, 'pageNo must be an integer from 0 to 2147483647'],
  [{ sortedBy: 'createDate' }, 'sortedBy must be one of serverImageName'],
  [{ sortingOrder: 'asc' }, 'sortingOrder must be one of ASC, DESC'],
  [{ serverImageStatusCode: 'NULL' }, 'serverImageStatusCode must be one of INIT, CREAT, CREFL'],
  [{ 'serverImageNoList.0': '1' }, 'serverImageNoList must be numbered from 1 without a gap'],
  [
    { 'serverImageNoList.1': '1', 'serverImageNoList.3': '1' },
    'serverImageNoList must be numbered from 1 without a gap',
  ],
  [{ 'serverImageNoList.01': '1' }, 'serverImageNoList must be numbered from 1 without a gap'],
  [{ 'serverImageNoList.N': '1' }, 'serverImageNoList must be numbered from 1 without a gap'],
  [{ serverImageNoList: '1' }, 'serverImageNoList is not a parameter of this action'],
])('the image list refuses %j', async (parameters, message) => {
  await open()
  const { status, text } = await call(gateway, 'getServerImageList', { ...parameters })
  expect({ status, text }).toEqual({ status: 400, text: responseError(message) })
})

test('the snapshot list supports every documented filter', async () => {
  await open()
  const found = async (parameters: Record<string, string>) =>
    (await list('getBlockStorageSnapshotInstanceList', parameters)).names
  const all = ['test-snap', 'data-snap', 'making-snap', 'xen-snap', 'doomed-snap']
  expect(await found({})).toEqual(all)
  expect(await found({ 'blockStorageSnapshotInstanceNoList.1': '12344698' })).toEqual(['data-snap'])
  expect(await found({ blockStorageSnapshotName: 'making' })).toEqual(['making-snap'])
  expect(await found({ blockStorageSnapshotInstanceStatusCode: 'INIT' })).toEqual(['making-snap'])
  expect(await found({ 'originalBlockStorageInstanceNoList.1': '12340004' })).toEqual(['xen-snap'])
  expect(await found({ blockStorageSnapshotVolumeSize: '20' })).toEqual(
    all.filter((name) => name !== 'xen-snap'),
  )
  expect(await found({ isEncryptedOriginalBlockStorageVolume: 'true' })).toEqual([])
  expect(await found({ 'hypervisorTypeCodeList.1': 'XEN' })).toEqual(['xen-snap'])
  expect(await found({ isBootable: 'false' })).toEqual(['data-snap'])
  expect(await found({ sortedBy: 'blockStorageSnapshotName', pageNo: '1', pageSize: '1' })).toEqual(
    ['data-snap'],
  )
  expect(await found({ regionCode: 'KRS' })).toEqual([])
})

test('a snapshot is shown as the documents describe it', async () => {
  await open()
  const { text } = await call(gateway, 'getBlockStorageSnapshotInstanceList', {
    'blockStorageSnapshotInstanceNoList.1': '12344697',
  })
  expect(JSON.parse(text).getBlockStorageSnapshotInstanceListResponse).toMatchObject({
    totalRows: 1,
    blockStorageSnapshotInstanceList: [
      {
        blockStorageSnapshotInstanceNo: '12344697',
        blockStorageSnapshotName: 'test-snap',
        blockStorageSnapshotVolumeSize: 10737418240,
        originalBlockStorageInstanceNo: '12340001',
        blockStorageSnapshotInstanceStatus: {
          code: 'CREAT',
          codeName: 'Block storage CREATED state',
        },
        blockStorageSnapshotInstanceOperation: { code: 'NULL', codeName: 'Block Storage NULLOP' },
        blockStorageSnapshotInstanceStatusName: 'created',
        isEncryptedOriginalBlockStorageVolume: false,
        blockStorageSnapshotDescription: '',
        snapshotType: { code: 'FULL', codeName: 'Full Storage Snapshot' },
        baseSnapshotInstanceNo: '',
        snapshotChainDepth: 0,
        isBootable: true,
        hypervisorType: { code: 'KVM', codeName: 'KVM' },
        blockStorageVolumeType: { code: 'CB1', codeName: 'Common BlockStorage 1' },
      },
    ],
  })
})

test('a test can add, change and delete images', async () => {
  await open()
  const { no } = gateway.images.add({ name: 'foreign', description: 'not ours' })
  expect((await images({ serverImageName: 'foreign' })).totalRows).toBe(1)
  gateway.images.change(no, { state: states.createFailed })
  expect((await images({ serverImageStatusCode: 'CREFL' })).names).toEqual([
    'test-failed',
    'foreign',
  ])
  gateway.images.delete(no)
  expect((await images({ serverImageName: 'foreign' })).totalRows).toBe(0)
  expect(() => gateway.images.change(no, {})).toThrow(`no row has the number ${no}`)
})

test('records number the connections and the requests on each', async () => {
  await open()
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const send = (options: http.RequestOptions) =>
    new Promise<void>((resolve) => {
      http.get(gateway.origin + DETAIL, options, (answer) => answer.resume().once('end', resolve))
    })
  await send({ agent })
  await send({ agent })
  await send({ agent: false, headers: { 'X-Seen': 'yes' } })
  agent.destroy()
  expect(gateway.received).toMatchObject([
    { connection: 1, ordinal: 1 },
    { connection: 1, ordinal: 2 },
    {
      connection: 2,
      ordinal: 1,
      method: 'GET',
      target: DETAIL,
      headers: { 'x-seen': 'yes' },
      body: '',
      action: 'getServerImageDetail',
      parameters: { serverImageNo: '12341457', responseFormatType: 'json' },
      refusal: '401/200',
    },
  ])
})

test('records keep the raw body and its decoded parameters', async () => {
  await open({ now: () => 1_800_000_000_000 })
  await post('serverImageNo=1&x=a+b%2B%ED%95%9C', 'application/x-www-form-urlencoded')
  expect(gateway.received).toMatchObject([
    {
      method: 'POST',
      target: '/vserver/v2/getServerImageDetail',
      body: 'serverImageNo=1&x=a+b%2B%ED%95%9C',
      parameters: { serverImageNo: '1', x: 'a b+한' },
      at: 1_800_000_000_000,
    },
  ])
})

test('a reset deletes requests, faults and created images, and restores the seeds', async () => {
  await open()
  await call(gateway, 'createServerImageFromSnapshot', CREATE)
  gateway.inject({ fault: 'html-502' })
  gateway.images.delete('12341457')
  gateway.snapshots.change('12344697', { bootable: false })
  gateway.reset()
  expect(gateway.received).toEqual([])
  expect((await images()).totalRows).toBe(5)
  const { text } = await call(gateway, 'createServerImageFromSnapshot', CREATE)
  expect(text).toContain('"serverImageNo":"30000001"')
})

test('other programs can control the gateway over HTTP', async () => {
  await open()
  const send = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${gateway.origin}/control/${path}`, {
      method,
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await response.text()
    return { status: response.status, body: text && JSON.parse(text) }
  }
  const detail = () => call(gateway, 'getServerImageDetail', { serverImageNo: '12341457' })
  const injected = { fault: 'endpoint-error', action: 'getServerImageDetail', times: null }
  expect((await send('POST', 'faults', injected)).status).toBe(204)
  for (let time = 0; time < 3; time++) expect((await detail()).status).toBe(503)
  expect((await send('DELETE', 'faults')).status).toBe(204)
  expect((await detail()).status).toBe(200)
  await send('POST', 'faults', { fault: { status: 418, headers: { 'x-a': 'b' }, body: 'tea' } })
  expect(await detail()).toMatchObject({ status: 418, text: 'tea' })
  for (const wrong of [
    {},
    { fault: 'no-such' },
    { fault: 'hang', times: 0 },
    { fault: 'hang', a: 1 },
  ]) {
    expect(await send('POST', 'faults', wrong)).toMatchObject({
      status: 400,
      body: { message: expect.any(String) },
    })
  }
  expect((await send('GET', 'requests')).body).toHaveLength(5)
  await send('DELETE', 'requests')
  expect((await send('GET', 'requests')).body).toEqual([])
  gateway.images.add({ name: 'foreign' })
  expect((await send('GET', 'images')).body).toHaveLength(6)
  await send('POST', 'reset')
  expect((await send('GET', 'images')).body).toMatchObject([
    { no: '12341457', name: 'test-kvm', state: { status: 'CREAT' } },
    ...Array(4).fill({ region: 'KR' }),
  ])
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import { call } from './client.ts'
import { type Gateway, type GatewayOptions, openGateway } from './gateway.ts'
import { states } from './shelf.ts'

const START = Date.parse('2026-11-21T00:00:00Z')

let gateway: Gateway
let time: number

beforeEach(() => {
  time = START
})
afterEach(() => gateway.close())

async function open(options: GatewayOptions = {}) {
  gateway = await openGateway({ now: () => time, ...options })
}

const BASE = {
  'blockStorageList.1.order': '0',
  'blockStorageList.1.snapshotInstanceNo': '12344697',
}

function create(parameters: Record<string, string> = {}) {
  const all = { serverImageName: 'test-img', ...BASE, ...parameters }
  return call(gateway, 'createServerImageFromSnapshot', all, { method: 'POST', at: time })
}

async function read(action: string, parameters: Record<string, string>) {
  const { text } = await call(gateway, action, parameters, { at: time })
  return JSON.parse(text)[`${action}Response`].serverImageList
}

const detail = async (serverImageNo: string) =>
  (await read('getServerImageDetail', { serverImageNo }))[0]

test('a create returns the new image', async () => {
  await open()
  const { status, text } = await create({ regionCode: 'KR', serverImageDescription: '백업' })
  expect(status).toBe(200)
  expect(JSON.parse(text)).toEqual({
    createServerImageFromSnapshotResponse: {
      totalRows: 1,
      serverImageList: [
        {
          serverImageNo: '30000001',
          serverImageName: 'test-img',
          serverImageDescription: '백업',
          serverImageType: { code: 'SELF', codeName: 'SELFサーバイメージ' },
          serverImageLifeCyclePhase: { code: 'IN_SERVICE', codeName: 'In Service' },
          hypervisorType: { code: 'KVM', codeName: 'KVM' },
          cpuArchitectureType: { code: 'X86_64', codeName: 'x86 64bit' },
          osCategoryType: { code: 'LINUX', codeName: 'LINUX' },
          osType: { code: 'UBUNTU', codeName: 'UBUNTU' },
          serverImageStatus: { code: 'INIT', codeName: 'NSI INIT state' },
          serverImageOperation: { code: 'NULL', codeName: 'NSI NULL OP' },
          serverImageStatusName: 'initialized',
          shareStatus: { code: 'NULL', codeName: 'NSI Share NULL State' },
          blockStorageMappingList: [
            {
              order: 0,
              blockStorageSnapshotInstanceNo: 12344697,
              blockStorageSnapshotName: 'test-snap',
              blockStorageSize: 10737418240,
              blockStorageVolumeType: { code: 'CB1', codeName: 'Common BlockStorage 1' },
              iops: 100,
              throughput: 104857600,
              isEncryptedVolume: false,
            },
          ],
          sharedLoginIdList: [],
          serverImageProductCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR24.G003',
          createDate: '2026-11-21T09:00:00+0900',
          platformCategoryCode: 'OS',
        },
      ],
      requestId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      returnCode: '0',
      returnMessage: 'success',
    },
  })
  expect(await detail('30000001')).toMatchObject({ serverImageName: 'test-img' })
})

test('an image is initialized, then creating, then created', async () => {
  await open({ readyAfterMs: 1000 })
  await create()
  const stateAt = async (ms: number) => {
    time = START + ms
    const image = await detail('30000001')
    const { serverImageStatus, serverImageOperation, serverImageStatusName } = image
    return [serverImageStatus.code, serverImageOperation.code, serverImageStatusName]
  }
  expect(await stateAt(499)).toEqual(['INIT', 'NULL', 'initialized'])
  expect(await stateAt(500)).toEqual(['INIT', 'CREAT', 'creating'])
  expect(await stateAt(999)).toEqual(['INIT', 'CREAT', 'creating'])
  expect(await stateAt(1000)).toEqual(['CREAT', 'NULL', 'created'])
})

test('an image is created at once if readyAfterMs is 0', async () => {
  await open({ readyAfterMs: 0 })
  expect((await create()).text).toContain('"serverImageStatusName":"created"')
})

test('an image of the doomed snapshot fails after readyAfterMs', async () => {
  await open({ readyAfterMs: 1000 })
  await create({ 'blockStorageList.1.snapshotInstanceNo': '12344701' })
  expect((await detail('30000001')).serverImageStatus.code).toBe('INIT')
  time += 1000
  expect(await detail('30000001')).toMatchObject({
    serverImageStatus: { code: 'CREFL' },
    serverImageStatusName: 'createFailed',
  })
})

test('a state that a test sets does not change', async () => {
  await open({ readyAfterMs: 1000 })
  await create()
  gateway.images.change('30000001', { state: states.creating })
  time += 5000
  expect((await detail('30000001')).serverImageStatusName).toBe('creating')
})

test('the list shows an image after the lag, the detail at once', async () => {
  await open({ listLagMs: 3000 })
  await create()
  const listed = async () =>
    (await read('getServerImageList', { serverImageName: 'test-img' })).length
  expect(await detail('30000001')).toBeDefined()
  time += 2999
  expect(await listed()).toBe(0)
  time += 1
  expect(await listed()).toBe(1)
})

test('image numbers count up, and names may repeat unless duplicateNames is refused', async () => {
  await open()
  expect((await create()).text).toContain('"serverImageNo":"30000001"')
  expect((await create()).text).toContain('"serverImageNo":"30000002"')
  await gateway.close()
  await open({ duplicateNames: 'refused' })
  expect((await create()).status).toBe(200)
  expect(await create()).toMatchObject({ status: 400, text: expect.stringContaining('9900006') })
  expect(gateway.received.at(-1)?.refusal).toBe('400/9900006')
})

test('accepts additional storages from any snapshot, and empty ones', async () => {
  await open()
  const { text } = await create({
    'blockStorageList.1.order': '2',
    'blockStorageList.1.snapshotInstanceNo': '12344698',
    'blockStorageList.1.blockStorageSize': '100',
    'blockStorageList.1.blockStorageVolumeTypeCode': 'FB1',
    'blockStorageList.1.emptyBlockStorage': 'false',
    'blockStorageList.2.order': '1',
    'blockStorageList.2.blockStorageSize': '10',
    'blockStorageList.2.blockStorageVolumeTypeCode': 'CB2',
    'blockStorageList.2.emptyBlockStorage': 'true',
    'blockStorageList.3.order': '0',
    'blockStorageList.3.snapshotInstanceNo': '12344697',
    'blockStorageList.3.blockStorageSize': '50',
    'blockStorageList.3.emptyBlockStorage': 'false',
  })
  const [image] = JSON.parse(text).createServerImageFromSnapshotResponse.serverImageList
  expect(image.blockStorageMappingList).toMatchObject([
    { order: 0, blockStorageSnapshotInstanceNo: 12344697, blockStorageSize: 53687091200 },
    { order: 1, blockStorageSize: 10737418240, blockStorageVolumeType: { code: 'CB2' } },
    {
      order: 2,
      blockStorageSnapshotInstanceNo: 12344698,
      blockStorageSize: 107374182400,
      blockStorageVolumeType: { code: 'FB1' },
    },
  ])
  expect(image.blockStorageMappingList[1]).not.toHaveProperty('blockStorageSnapshotInstanceNo')
})

function storages(count: number, from = 1) {
  const entries = Array.from({ length: count }, (_, at) => {
    const name = `blockStorageList.${from + at}`
    return [
      [`${name}.order`, String(from + at - 1)],
      [`${name}.snapshotInstanceNo`, '12344697'],
    ]
  })
  return Object.fromEntries(entries.flat())
}

test.each<[string, Record<string, string>]>([
  ['a name of 3 characters', { serverImageName: 'a-1' }],
  ['a name of 30 characters', { serverImageName: `a${'-'.repeat(28)}z` }],
  ['upper case inside a name', { serverImageName: 'aBCd' }],
  ['1000 bytes of description', { serverImageDescription: `${'한'.repeat(333)}a` }],
  ['an empty description', { serverImageDescription: '' }],
  ['21 storages', storages(21)],
  ['the size of the snapshot', { 'blockStorageList.1.blockStorageSize': '10' }],
  ['a large size', { 'blockStorageList.1.blockStorageSize': '20480' }],
])('a create accepts %s', async (_, parameters) => {
  await open()
  expect(await create(parameters)).toMatchObject({ status: 200 })
})

const nameRule =
  'serverImageName must have 3 to 30 characters: letters, digits and "-"; ' +
  'the first a lower-case letter, the last a lower-case letter or a digit'
const sizeRule = 'must be an integer, at least 10 and a multiple of 10'
const names = [
  'ab',
  `a${'b'.repeat(30)}`,
  'Abc',
  '1bc',
  '-bc',
  'ab-',
  'abC',
  'a_b',
  'a b',
  '한글이',
]

test.each<[Record<string, string>, string]>([
  ...names.map((serverImageName): [Record<string, string>, string] => [
    { serverImageName },
    nameRule,
  ]),
  [
    { serverImageDescription: '한'.repeat(334) },
    'serverImageDescription must have at most 1000 bytes',
  ],
  [
    { serverImageDescription: 'a'.repeat(1001) },
    'serverImageDescription must have at most 1000 bytes',
  ],
  ...['9', '0', '15', '10.0', '-10', '1e2', '', '010', '2147483650'].map(
    (size): [Record<string, string>, string] => [
      { 'blockStorageList.1.blockStorageSize': size },
      `blockStorageList.1.blockStorageSize ${sizeRule}`,
    ],
  ),
  ...['21', '-1', 'x', '00', ''].map((order): [Record<string, string>, string] => [
    { 'blockStorageList.1.order': order },
    'blockStorageList.1.order must be an integer from 0 to 20',
  ]),
  [{ 'blockStorageList.1.order': '1' }, 'blockStorageList.N.order must be 0 exactly once'],
  [
    { 'blockStorageList.2.order': '0', 'blockStorageList.2.snapshotInstanceNo': '12344697' },
    'blockStorageList.N.order must not stand there twice',
  ],
  [
    {
      ...storages(2, 2),
      'blockStorageList.3.order': '1',
    },
    'blockStorageList.N.order must not stand there twice',
  ],
  [
    { ...storages(21), 'blockStorageList.22.order': '1' },
    'blockStorageList must have at most 21 entries',
  ],
  [{ 'blockStorageList.2.snapshotInstanceNo': '1' }, 'blockStorageList.2.order is required'],
  [storages(1, 3), 'blockStorageList must be numbered from 1 without a gap'],
  [{ 'blockStorageList.0.order': '1' }, 'blockStorageList must be numbered from 1 without a gap'],
  [
    { 'blockStorageList.1.snapshotInstanceNo': 'x' },
    'blockStorageList.1.snapshotInstanceNo must be digits',
  ],
  [
    { 'blockStorageList.1.blockStorageVolumeTypeCode': 'CB1' },
    'blockStorageList.1.blockStorageVolumeTypeCode is not for the base storage (order 0)',
  ],
  [
    { 'blockStorageList.1.emptyBlockStorage': 'true' },
    'blockStorageList.1.emptyBlockStorage is not for the base storage (order 0)',
  ],
  [
    { 'blockStorageList.1.emptyBlockStorage': 'TRUE' },
    'blockStorageList.1.emptyBlockStorage must be one of true, false',
  ],
  [
    { ...storages(1, 2), 'blockStorageList.2.blockStorageVolumeTypeCode': 'SSD' },
    'blockStorageList.2.blockStorageVolumeTypeCode must be one of CB1, CB2, FB1, FB2',
  ],
  [
    { ...storages(1, 2), 'blockStorageList.2.emptyBlockStorage': 'true' },
    'blockStorageList.2.snapshotInstanceNo must not stand beside emptyBlockStorage=true',
  ],
  [
    {
      'blockStorageList.2.order': '1',
      'blockStorageList.2.emptyBlockStorage': 'true',
      'blockStorageList.2.blockStorageVolumeTypeCode': 'CB1',
    },
    'blockStorageList.2.blockStorageSize is required with emptyBlockStorage=true',
  ],
  [
    {
      'blockStorageList.2.order': '1',
      'blockStorageList.2.emptyBlockStorage': 'true',
      'blockStorageList.2.blockStorageSize': '10',
    },
    'blockStorageList.2.blockStorageVolumeTypeCode is required with emptyBlockStorage=true',
  ],
  [
    { 'blockStorageList.2.order': '1' },
    'blockStorageList.2.snapshotInstanceNo is required unless emptyBlockStorage=true',
  ],
  [
    { 'blockStorageList.2.order': '1', 'blockStorageList.2.blockStorageVolumeTypeCode': 'CB1' },
    'blockStorageList.2.snapshotInstanceNo is required unless emptyBlockStorage=true',
  ],
  [{ originalServerImageNo: '1' }, 'originalServerImageNo is not a parameter of this action'],
  [
    { 'blockStorageList.1.size': '10' },
    'blockStorageList.1.size is not a parameter of this action',
  ],
])('a create refuses %j', async (parameters, returnMessage) => {
  await open()
  const { status, text } = await create(parameters)
  expect({ status, ...JSON.parse(text) }).toEqual({
    status: 400,
    responseError: { returnCode: '1300', returnMessage },
  })
  expect(gateway.images.all()).toHaveLength(5)
})

test('a create requires a name and a base storage', async () => {
  await open()
  const bare = (parameters: Record<string, string>) =>
    call(gateway, 'createServerImageFromSnapshot', parameters, { at: time })
  expect((await bare(BASE)).text).toContain('"serverImageName is required"')
  expect((await bare({ serverImageName: 'abc' })).text).toContain(
    '"blockStorageList.N.order must be 0 exactly once"',
  )
})

test.each([
  ['9900001', 'that does not exist', { 'blockStorageList.1.snapshotInstanceNo': '1' }],
  ['9900001', 'of another region', { regionCode: 'JPN' }],
  ['9900002', 'of a XEN server', { 'blockStorageList.1.snapshotInstanceNo': '12344700' }],
  ['9900003', 'that is being created', { 'blockStorageList.1.snapshotInstanceNo': '12344699' }],
  ['9900004', 'that is not bootable', { 'blockStorageList.1.snapshotInstanceNo': '12344698' }],
  [
    '9900005',
    'that is larger than the storage',
    {
      'blockStorageList.2.order': '1',
      'blockStorageList.2.snapshotInstanceNo': '12344698',
      'blockStorageList.2.blockStorageSize': '10',
    },
  ],
])('a create answers %s for a snapshot %s', async (returnCode, _, parameters) => {
  await open()
  const { status, text } = await create({ ...parameters })
  expect({ status, ...JSON.parse(text) }).toMatchObject({
    status: 400,
    responseError: { returnCode },
  })
  expect(gateway.received.at(-1)?.refusal).toBe(`400/${returnCode}`)
})

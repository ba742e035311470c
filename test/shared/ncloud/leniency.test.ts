import { describe, expect, test } from 'vitest'
import type { Action } from '../../../shared/ncloud/action.ts'
import { createServerImageFromSnapshot } from '../../../shared/ncloud/actions/create-server-image-from-snapshot.ts'
import { getBlockStorageSnapshotInstanceList } from '../../../shared/ncloud/actions/get-block-storage-snapshot-instance-list.ts'
import { getMemberServerImageInstanceDetail } from '../../../shared/ncloud/actions/get-member-server-image-instance-detail.ts'
import { getServerImageDetail } from '../../../shared/ncloud/actions/get-server-image-detail.ts'
import { getServerImageList } from '../../../shared/ncloud/actions/get-server-image-list.ts'
import { judge } from '../../../shared/ncloud/judge.ts'

const utf8 = new TextEncoder()
const code = (of: string) => ({ code: of, codeName: of })

// Every field of the documented types MemberServerImageInstance, ServerImage and BlockStorageSnapshotInstance.
const serverImage = {
  serverImageNo: '12341457',
  serverImageName: 'web',
  serverImageDescription: 'nightly',
  serverImageType: code('SELF'),
  serverImageLifeCyclePhase: code('IN_SERVICE'),
  hypervisorType: code('KVM'),
  cpuArchitectureType: code('X86_64'),
  osCategoryType: code('LINUX'),
  osType: code('UBUNTU'),
  serverImageStatus: code('CREAT'),
  serverImageOperation: code('NULL'),
  serverImageStatusName: 'created',
  serverImageProductCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR24.G003',
  createDate: '2025-06-26T10:33:37+0900',
  shareStatus: code('NULL'),
  sharedLoginIdList: [],
  platformCategoryCode: 'OS',
  blockStorageMappingList: [
    {
      order: 0,
      blockStorageSnapshotInstanceNo: 12344697,
      blockStorageSnapshotName: 'snap',
      blockStorageSnapshotInstanceName: 'snap',
      blockStorageSize: 10737418240,
      blockStorageName: 'disk',
      blockStorageVolumeType: code('CB1'),
      iops: 100,
      throughput: 104857600,
      isEncryptedVolume: false,
    },
  ],
}
const memberServerImage = {
  memberServerImageInstanceNo: '12342264',
  memberServerImageName: 'web',
  memberServerImageDescription: 'nightly',
  originalServerInstanceNo: '12342010',
  originalServerImageProductCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR2004.B050',
  memberServerImageInstanceStatus: code('CREAT'),
  memberServerImageInstanceOperation: code('NULL'),
  memberServerImageInstanceStatusName: 'created',
  createDate: '2025-06-26T11:09:07+0900',
  memberServerImageBlockStorageTotalRows: 1,
  memberServerImageBlockStorageTotalSize: 53687091200,
  shareStatus: code('NULL'),
  sharedLoginIdList: [],
}
const snapshot = {
  blockStorageSnapshotInstanceNo: '12344697',
  blockStorageSnapshotName: 'snap',
  blockStorageSnapshotVolumeSize: 10737418240,
  originalBlockStorageInstanceNo: '12340001',
  blockStorageSnapshotInstanceStatus: code('CREAT'),
  blockStorageSnapshotInstanceOperation: code('NULL'),
  blockStorageSnapshotInstanceStatusName: 'created',
  createDate: '2025-06-26T10:20:00+0900',
  isEncryptedOriginalBlockStorageVolume: false,
  blockStorageSnapshotDescription: '',
  snapshotType: code('FULL'),
  baseSnapshotInstanceNo: '',
  snapshotChainDepth: 0,
  isBootable: true,
  hypervisorType: code('KVM'),
  blockStorageVolumeType: code('CB1'),
}

/** The fields that decide, by their paths in a row. */
const DECIDING =
  /^(serverImageNo|memberServerImageInstanceNo|blockStorageSnapshotInstanceNo|serverImageName|memberServerImageName)$|^\w*(Image|Instance)(Status|Operation)(\.code)?$/

const ODD = {
  missing: undefined,
  null: null,
  'a number': 42,
  'a number as text': '42',
  'a boolean': true,
  'a boolean as text': 'false',
  'an empty text': '',
  'an object': {},
  'an object with a code': { code: 'ODD' },
  'a list': [],
  'a list of one': [{ value: 1 }],
}

type AnyAction = Action<never, unknown, unknown>

function read(action: AnyAction, list: string, rows: unknown[], envelope: object = {}) {
  const document = { xResponse: { totalRows: rows.length, [list]: rows, ...envelope } }
  const { output, requestId } = judge(
    {
      status: 200,
      headers: new Headers(),
      body: utf8.encode(JSON.stringify(document)),
      receivedAt: 0,
      gatewayTime: 0,
    },
    action,
  )
  const meta = { action: action.name, regionCode: 'KR', requestId, gatewayTime: 0 }
  return JSON.parse(JSON.stringify(action.view(output, meta)))
}

/** Returns the paths of all fields of a value. */
function pathsOf(value: unknown, before = ''): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, field]) => {
    const path = `${before}${key}`
    return [path, ...pathsOf(field, `${path}.`)]
  })
}

/** Returns a copy of a value with another field. */
function withField<Value extends object>(value: Value, path: string, field: unknown): Value {
  const copy = structuredClone(value)
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  const owner = keys.reduce((object, key) => (object as never)[key], copy as object)
  Object.assign(owner, { [last]: field })
  return copy
}

let readable = 0
let unreadable = 0

describe.each<[AnyAction, string, object]>([
  [getServerImageDetail as AnyAction, 'serverImageList', serverImage],
  [getServerImageList as AnyAction, 'serverImageList', serverImage],
  [createServerImageFromSnapshot as AnyAction, 'serverImageList', serverImage],
  [
    getMemberServerImageInstanceDetail as AnyAction,
    'memberServerImageInstanceList',
    memberServerImage,
  ],
  [getBlockStorageSnapshotInstanceList as AnyAction, 'blockStorageSnapshotInstanceList', snapshot],
])('an answer of %o', (action, list, row) => {
  const truth = JSON.stringify(read(action, list, [row]))

  test.each(pathsOf(row))('stays readable, whatever %s is', (path) => {
    for (const [odd, field] of Object.entries(ODD)) {
      const answer = () => read(action, list, [withField(row, path, field)])
      const decides = DECIDING.test(path)
      let problem: unknown
      try {
        answer()
        readable++
      } catch (error) {
        problem = error
        unreadable++
      }
      if (problem !== undefined) {
        expect(decides, `${path} is ${odd}: ${problem}`).toBe(true)
        expect(problem).toMatchObject({ code: 'upstream-malformed' })
      }
    }
  })

  test.each([
    ['totalRows', '1'],
    ['requestId', 7],
    ['requestId', {}],
    ['returnMessage', ['success']],
    ['returnMessage', 1],
  ])('stays readable with the %s %j', (field, value) => {
    const answer = read(action, list, [row], { requestId: null, [field]: value })
    if (field !== 'requestId') expect(JSON.stringify(answer)).toBe(truth)
  })
})

test('counts the answers', () => {
  // biome-ignore lint/suspicious/noConsole: the count is part of the test's report
  console.log(`${readable} odd answers were read, ${unreadable} were not: their field decides`)
  expect(readable).toBeGreaterThan(1_000)
  expect(unreadable).toBeGreaterThan(0)
})

const detail = (changes: object) =>
  read(getServerImageDetail as AnyAction, 'serverImageList', [{ ...serverImage, ...changes }])

test('reads numbers, texts and flags of another type', () => {
  const [mapping] = serverImage.blockStorageMappingList
  const odd = {
    ...mapping,
    order: '0',
    blockStorageSnapshotInstanceNo: '12344697',
    blockStorageSnapshotName: 7,
    blockStorageSize: '10737418240',
    blockStorageVolumeType: 'CB1',
    iops: '100',
    throughput: '104857600',
    isEncryptedVolume: 'false',
  }
  const image = detail({ blockStorageMappingList: [odd], serverImageDescription: 5 })
  expect(image).toMatchObject({ description: '5', sizeGb: 10 })
  expect(detail({ serverImageDescription: true }).description).toBe('true')
  expect(image.storages).toEqual([
    {
      order: 0,
      snapshotNo: '12344697',
      snapshotName: '7',
      sizeBytes: 10737418240,
      sizeGb: 10,
      volumeType: 'CB1',
      iops: 100,
      throughputBytesPerSecond: 104857600,
      encrypted: false,
    },
  ])
})

test.each<[object, boolean | null, number | null]>([
  [{ shareStatus: code('SHARE'), sharedLoginIdList: ['a', 'b'] }, true, 2],
  [{ shareStatus: code('NULL'), sharedLoginIdList: [] }, false, 0],
  [{ shareStatus: {}, sharedLoginIdList: [] }, null, 0],
  [{ shareStatus: code('LATER'), sharedLoginIdList: {} }, null, null],
  [{ shareStatus: undefined, sharedLoginIdList: undefined }, null, null],
])('with %j an image is shared: %j, with %j', (changes, shared, sharedWith) => {
  expect(detail(changes)).toMatchObject({ shared, sharedWith })
})

test('a snapshot number that is not exact, or not a number at all, is unknown', () => {
  const [mapping] = serverImage.blockStorageMappingList
  for (const no of [2 ** 60, 1.5, {}, [], true, '']) {
    const odd = { ...mapping, blockStorageSnapshotInstanceNo: no }
    expect(detail({ blockStorageMappingList: [odd] }).storages[0].snapshotNo).toBeNull()
  }
})

test('a storage that is not an object still counts as one', () => {
  expect(detail({ blockStorageMappingList: [null, 'x'] }).storages).toHaveLength(2)
})

test('a description that ends in half a character ends in U+FFFD', () => {
  const document = JSON.stringify({
    xResponse: {
      totalRows: 1,
      serverImageList: [{ ...serverImage, serverImageDescription: 'CUT' }],
    },
  })
  const [before, after] = document.split('CUT')
  const half = [0xec, 0x9d]
  const body = new Uint8Array([...utf8.encode(before), ...half, ...utf8.encode(after)])
  const answer = { status: 200, headers: new Headers(), body, receivedAt: 0, gatewayTime: 0 }
  const { output } = judge(answer, getServerImageDetail)
  expect(output.rows[0]?.serverImageDescription).toBe('\uFFFD')
})

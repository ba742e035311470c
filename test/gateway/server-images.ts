import { commonCode, shareStatus, stateFields } from './codes.ts'
import { arrangement, byName, type Filter, select, selectOne } from './list.ts'
import { sharedLoginIds } from './member-server-images.ts'
import { digits, oneOf } from './parameters.ts'
import { type Kind, type Row, states } from './shelf.ts'
import { GB } from './snapshots.ts'
import type { Action } from './world.ts'

/** A storage of an image. It is empty if it has no snapshot. */
export interface Storage {
  order: number
  bytes: number
  volumeType: string
  snapshot?: { no: string; name: string }
}

/** A server image. */
export interface ServerImage extends Row {
  type: string
  hypervisor: string
  productCode: string
  osCategory: string
  os: string
  platformCategory: string
  sharedWith: string[]
  storages: Storage[]
  /** The time from which the lists include it, in ms. */
  listedFrom: number
}

const documentedStorage: Storage = {
  order: 0,
  bytes: 10 * GB,
  volumeType: 'CB1',
  snapshot: { no: '12344697', name: 'test-snap' },
}
const createDate = '2025-06-26T10:33:37+0900'

/** Server images and their seeds. */
export const serverImages: Kind<ServerImage> = {
  firstNo: 30_000_001,
  blank: {
    type: 'SELF',
    hypervisor: 'KVM',
    productCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR24.G003',
    osCategory: 'LINUX',
    os: 'UBUNTU',
    platformCategory: 'OS',
    sharedWith: [],
    storages: [documentedStorage],
    listedFrom: 0,
  },
  seeds: [
    { no: '12341457', name: 'test-kvm', createDate },
    { no: '12341458', name: 'test-failed', createDate, state: states.createFailed },
    { no: '12341459', name: 'test-terminating', createDate, state: states.terminating },
    {
      no: '23214590',
      name: 'ubuntu-22.04-base',
      description: 'kernel version : 5.15.0-140-generic',
      type: 'NCP',
      productCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR22.G003',
      createDate: '2024-03-21T18:22:55+0900',
      storages: [
        {
          ...documentedStorage,
          snapshot: { no: '23214591', name: 'snapshot of ubuntu-22.04-base' },
        },
      ],
    },
    {
      // A XEN image has the same number here as among the member images.
      no: '3051719',
      name: 'xen-golden',
      hypervisor: 'XEN',
      productCode: 'SW.VSVR.OS.LNX64.UBNTU.SVR2004.B050',
      createDate: '2025-06-20T09:00:00+0900',
      sharedWith: sharedLoginIds,
      storages: [
        {
          order: 0,
          bytes: 50 * GB,
          volumeType: 'SSD',
          snapshot: { no: '12344700', name: 'xen-snap' },
        },
      ],
    },
  ],
}

/** Returns a server image as the API writes it. */
export function showServerImage(image: ServerImage) {
  return {
    serverImageNo: image.no,
    serverImageName: image.name,
    serverImageDescription: image.description || undefined,
    serverImageType: commonCode('imageType', image.type),
    serverImageLifeCyclePhase: commonCode('lifeCyclePhase', 'IN_SERVICE'),
    hypervisorType: commonCode('plain', image.hypervisor),
    cpuArchitectureType: commonCode('architecture', 'X86_64'),
    osCategoryType: commonCode('plain', image.osCategory),
    osType: commonCode('plain', image.os),
    ...stateFields('serverImage', 'image', image.state),
    shareStatus: shareStatus(image.sharedWith),
    blockStorageMappingList: image.storages.map(showStorage),
    sharedLoginIdList: image.sharedWith,
    serverImageProductCode: image.productCode,
    createDate: image.createDate,
    platformCategoryCode: image.platformCategory,
  }
}

function showStorage({ order, bytes, volumeType, snapshot }: Storage) {
  return {
    order,
    // Recorded as a number here and as a string everywhere else.
    blockStorageSnapshotInstanceNo: snapshot && Number(snapshot.no),
    blockStorageSnapshotName: snapshot?.name,
    blockStorageSize: bytes,
    blockStorageVolumeType: commonCode('volumeType', volumeType),
    iops: 100,
    throughput: 104_857_600,
    isEncryptedVolume: false,
  }
}

/** Reads one server image. */
export const getServerImageDetail: Action = {
  parameters: { serverImageNo: { ...digits, required: true } },
  perform(parameters, world) {
    const given = { parameters, world }
    const rows = selectOne(world.images.all(), parameters.serverImageNo, given)
    return { list: 'serverImageList', rows: rows.map(showServerImage), totalRows: rows.length }
  },
}

const filters: Record<string, Filter<ServerImage>> = {
  'serverImageNoList.N': { ...digits, keeps: (image, wanted) => wanted.includes(image.no) },
  serverImageName: byName,
  serverImageStatusCode: {
    ...oneOf('INIT', 'CREAT', 'CREFL'),
    keeps: (image, wanted) => wanted.includes(image.state.status),
  },
  'serverImageTypeCodeList.N': {
    ...oneOf('SELF', 'NCP'),
    keeps: (image, wanted) => wanted.includes(image.type),
  },
  'hypervisorTypeCodeList.N': {
    ...oneOf('XEN', 'KVM', 'RHV'),
    keeps: (image, wanted) => wanted.includes(image.hypervisor),
  },
  'osTypeCodeList.N': {
    ...oneOf('CENTOS', 'UBUNTU', 'WINDOWS', 'ROCKY', 'NAVIX'),
    keeps: (image, wanted) => wanted.includes(image.os),
  },
  'platformCategoryCodeList.N': {
    ...oneOf('OS', 'APP', 'DBMS', 'GPU'),
    keeps: (image, wanted) => wanted.includes(image.platformCategory),
  },
}

/** Lists server images, including NCP's own. */
export const getServerImageList: Action = {
  parameters: { ...filters, ...arrangement('serverImageName') },
  perform(parameters, world) {
    const listed = world.images.all().filter((image) => image.listedFrom <= world.now())
    const { rows, totalRows } = select(listed, filters, { parameters, world })
    return { list: 'serverImageList', rows: rows.map(showServerImage), totalRows }
  },
}

import { commonCode, stateFields } from './codes.ts'
import { arrangement, byName, type Filter, select } from './list.ts'
import { digits, integer, oneOf } from './parameters.ts'
import { type Kind, type Row, states } from './shelf.ts'
import type { Action } from './world.ts'

/** A snapshot of a block storage. */
export interface Snapshot extends Row {
  bytes: number
  originalStorageNo: string
  encrypted: boolean
  type: string
  bootable: boolean
  hypervisor: string
  volumeType: string
  /** True if the operation of images from it fails. */
  doomed: boolean
}

/** The number of bytes in the API's GB. */
export const GB = 1_073_741_824

const createDate = '2025-06-26T10:20:00+0900'

/** Snapshots. The seeds are the document's snapshot, and one for each way to be unsuitable. */
export const snapshots: Kind<Snapshot> = {
  firstNo: 40_000_001,
  blank: {
    bytes: 10 * GB,
    originalStorageNo: '12340001',
    encrypted: false,
    type: 'FULL',
    bootable: true,
    hypervisor: 'KVM',
    volumeType: 'CB1',
    doomed: false,
  },
  seeds: [
    { no: '12344697', name: 'test-snap', createDate },
    {
      no: '12344698',
      name: 'data-snap',
      createDate,
      originalStorageNo: '12340002',
      bytes: 20 * GB,
      bootable: false,
    },
    {
      no: '12344699',
      name: 'making-snap',
      createDate,
      originalStorageNo: '12340003',
      state: states.creating,
    },
    {
      no: '12344700',
      name: 'xen-snap',
      createDate,
      originalStorageNo: '12340004',
      bytes: 50 * GB,
      hypervisor: 'XEN',
      volumeType: 'SSD',
    },
    {
      no: '12344701',
      name: 'doomed-snap',
      createDate,
      originalStorageNo: '12340005',
      doomed: true,
    },
  ],
}

function show(snapshot: Snapshot) {
  return {
    blockStorageSnapshotInstanceNo: snapshot.no,
    blockStorageSnapshotName: snapshot.name,
    blockStorageSnapshotVolumeSize: snapshot.bytes,
    originalBlockStorageInstanceNo: snapshot.originalStorageNo,
    ...stateFields('blockStorageSnapshotInstance', 'snapshot', snapshot.state),
    createDate: snapshot.createDate,
    isEncryptedOriginalBlockStorageVolume: snapshot.encrypted,
    blockStorageSnapshotDescription: snapshot.description,
    snapshotType: commonCode('snapshotType', snapshot.type),
    baseSnapshotInstanceNo: '',
    snapshotChainDepth: 0,
    isBootable: snapshot.bootable,
    hypervisorType: commonCode('plain', snapshot.hypervisor),
    blockStorageVolumeType: commonCode('volumeType', snapshot.volumeType),
  }
}

const boolean = oneOf('true', 'false')

const filters: Record<string, Filter<Snapshot>> = {
  'blockStorageSnapshotInstanceNoList.N': {
    ...digits,
    keeps: (snapshot, wanted) => wanted.includes(snapshot.no),
  },
  blockStorageSnapshotName: byName,
  blockStorageSnapshotInstanceStatusCode: {
    ...oneOf('INIT', 'CREAT'),
    keeps: (snapshot, wanted) => wanted.includes(snapshot.state.status),
  },
  'originalBlockStorageInstanceNoList.N': {
    ...digits,
    keeps: (snapshot, wanted) => wanted.includes(snapshot.originalStorageNo),
  },
  // The value is in GB and means "this size or smaller".
  blockStorageSnapshotVolumeSize: {
    ...integer(0),
    keeps: (snapshot, [wanted]) => snapshot.bytes <= Number(wanted) * GB,
  },
  isEncryptedOriginalBlockStorageVolume: {
    ...boolean,
    keeps: (snapshot, wanted) => wanted.includes(String(snapshot.encrypted)),
  },
  'hypervisorTypeCodeList.N': {
    ...oneOf('XEN', 'KVM', 'RHV'),
    keeps: (snapshot, wanted) => wanted.includes(snapshot.hypervisor),
  },
  isBootable: {
    ...boolean,
    keeps: (snapshot, wanted) => wanted.includes(String(snapshot.bootable)),
  },
}

/** Lists snapshots; `sortedBy` takes the name, by analogy with the image lists. */
export const getBlockStorageSnapshotInstanceList: Action = {
  parameters: { ...filters, ...arrangement('blockStorageSnapshotName') },
  perform(parameters, world) {
    const { rows, totalRows } = select(world.snapshots.all(), filters, { parameters, world })
    return { list: 'blockStorageSnapshotInstanceList', rows: rows.map(show), totalRows }
  },
}

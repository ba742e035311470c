import { regionOf } from './list.ts'
import {
  digits,
  indexesOf,
  integer,
  oneOf,
  type Parameters,
  type Rule,
  refuseParameter,
} from './parameters.ts'
import { Refusal, responseError, type responseErrors } from './refusals.ts'
import { type ServerImage, type Storage, showServerImage } from './server-images.ts'
import { type Row, states } from './shelf.ts'
import { GB, type Snapshot } from './snapshots.ts'
import type { Action, World } from './world.ts'

const MAX_STORAGES = 21

const parameterRules: Record<string, Rule> = {
  serverImageName: {
    required: true,
    says:
      'must have 3 to 30 characters: letters, digits and "-"; ' +
      'the first a lower-case letter, the last a lower-case letter or a digit',
    holds: (value) => /^[a-z][A-Za-z0-9-]{1,28}[a-z0-9]$/.test(value),
  },
  serverImageDescription: {
    says: 'must have at most 1000 bytes',
    holds: (value) => Buffer.byteLength(value, 'utf8') <= 1000,
  },
  'blockStorageList.N.order': integer(0, 20),
  'blockStorageList.N.snapshotInstanceNo': digits,
  // No upper limit, because the documents disagree on it.
  'blockStorageList.N.blockStorageSize': {
    says: 'must be an integer, at least 10 and a multiple of 10',
    holds: (value) => integer(10).holds(value) && Number(value) % 10 === 0,
  },
  'blockStorageList.N.blockStorageVolumeTypeCode': oneOf('CB1', 'CB2', 'FB1', 'FB2'),
  'blockStorageList.N.emptyBlockStorage': oneOf('true', 'false'),
}

/** One blockStorageList.N of a request. */
interface Entry {
  name: string
  order: number
  empty: boolean
  snapshotNo?: string | undefined
  size?: number | undefined
  volumeType?: string | undefined
}

// Field, message and condition. The first broken rule is reported.
const entryRules: [string, string, (entry: Entry) => boolean][] = [
  [
    'blockStorageVolumeTypeCode',
    'is not for the base storage (order 0)',
    ({ order, volumeType }) => order === 0 && volumeType !== undefined,
  ],
  [
    'emptyBlockStorage',
    'is not for the base storage (order 0)',
    ({ order, empty }) => order === 0 && empty,
  ],
  [
    'snapshotInstanceNo',
    'must not stand beside emptyBlockStorage=true',
    ({ empty, snapshotNo }) => empty && snapshotNo !== undefined,
  ],
  [
    'blockStorageSize',
    'is required with emptyBlockStorage=true',
    ({ empty, size }) => empty && size === undefined,
  ],
  [
    'blockStorageVolumeTypeCode',
    'is required with emptyBlockStorage=true',
    ({ empty, volumeType }) => empty && volumeType === undefined,
  ],
  [
    'snapshotInstanceNo',
    'is required unless emptyBlockStorage=true',
    ({ empty, snapshotNo }) => !empty && snapshotNo === undefined,
  ],
]

type SnapshotRule = [keyof typeof responseErrors, (snapshot: Snapshot, entry: Entry) => boolean]

const snapshotRules: SnapshotRule[] = [
  ['notKvm', ({ hypervisor }) => hypervisor !== 'KVM'],
  ['notUsable', ({ state }) => state.status !== 'CREAT' || state.operation !== 'NULL'],
  // The documents require this of every snapshot, but a data disk is never bootable.
  ['notBootable', ({ bootable }, { order }) => order === 0 && !bootable],
  ['tooSmall', ({ bytes }, { size }) => size !== undefined && size * GB < bytes],
]

/** Creates a server image from KVM snapshots. */
export const createServerImageFromSnapshot: Action = {
  parameters: parameterRules,
  perform(parameters, world) {
    const entries = readEntries(parameters)
    const snapshots = new Map(entries.map((entry) => [entry, snapshotOf(entry, parameters, world)]))
    checkName(parameters, world)
    const image = draft(parameters, snapshots, world)
    return {
      list: 'serverImageList',
      rows: [showServerImage(image)],
      totalRows: 1,
      keep: () => world.images.add(image),
    }
  },
}

/** @throws Refusal if an entry or the whole list breaks a rule */
function readEntries(parameters: Parameters): Entry[] {
  const indexes = indexesOf(parameters, 'blockStorageList')
  if (indexes.length > MAX_STORAGES) {
    refuseParameter('blockStorageList', `must have at most ${MAX_STORAGES} entries`)
  }
  const entries = indexes.map((index) => readEntry(parameters, `blockStorageList.${index}`))
  const orders = entries.map((entry) => entry.order)
  if (!orders.includes(0)) refuseParameter('blockStorageList.N.order', 'must be 0 exactly once')
  if (new Set(orders).size < orders.length) {
    refuseParameter('blockStorageList.N.order', 'must not stand there twice')
  }
  for (const entry of entries) {
    const [field, says] = entryRules.find(([, , isBroken]) => isBroken(entry)) ?? []
    if (field && says) refuseParameter(`${entry.name}.${field}`, says)
  }
  return entries.toSorted((a, b) => a.order - b.order)
}

function readEntry(parameters: Parameters, name: string): Entry {
  const order = parameters[`${name}.order`]
  const size = parameters[`${name}.blockStorageSize`]
  if (order === undefined) refuseParameter(`${name}.order`, 'is required')
  return {
    name,
    order: Number(order),
    empty: parameters[`${name}.emptyBlockStorage`] === 'true',
    snapshotNo: parameters[`${name}.snapshotInstanceNo`],
    size: size === undefined ? undefined : Number(size),
    volumeType: parameters[`${name}.blockStorageVolumeTypeCode`],
  }
}

/** @throws Refusal if the entry's snapshot does not exist or is not suitable */
function snapshotOf(entry: Entry, parameters: Parameters, world: World): Snapshot | undefined {
  if (entry.snapshotNo === undefined) return undefined
  const snapshot = world.snapshots.find(entry.snapshotNo)
  if (snapshot?.region !== regionOf(parameters)) {
    throw new Refusal(responseError('noSuchSnapshot'))
  }
  const [error] = snapshotRules.find(([, isBroken]) => isBroken(snapshot, entry)) ?? []
  if (error) throw new Refusal(responseError(error))
  return snapshot
}

function checkName(parameters: Parameters, world: World) {
  const sameName = (row: Row) =>
    row.name === parameters.serverImageName && row.region === regionOf(parameters)
  if (world.duplicateNames === 'refused' && world.images.all().some(sameName)) {
    throw new Refusal(responseError('duplicateName'))
  }
}

function draft(
  parameters: Parameters,
  snapshots: Map<Entry, Snapshot | undefined>,
  world: World,
): ServerImage {
  const { serverImageName = '', serverImageDescription = '' } = parameters
  const now = world.now()
  const doomed = [...snapshots.values()].some((snapshot) => snapshot?.doomed)
  return world.images.draft({
    name: serverImageName,
    description: serverImageDescription,
    region: regionOf(parameters),
    storages: [...snapshots].map(([entry, snapshot]) => storage(entry, snapshot)),
    listedFrom: now + world.listLagMs,
    ...life(now, world.readyAfterMs, doomed),
  })
}

// No document says when a state changes, so the first two states last equally long.
function life(now: number, readyAfterMs: number, doomed: boolean): Pick<Row, 'state' | 'ahead'> {
  const end = doomed ? states.createFailed : states.created
  if (readyAfterMs === 0) return { state: end, ahead: [] }
  return {
    state: states.initialized,
    ahead: [
      { at: now + readyAfterMs / 2, state: states.creating },
      { at: now + readyAfterMs, state: end },
    ],
  }
}

function storage({ order, size = 0, volumeType = '' }: Entry, snapshot?: Snapshot): Storage {
  if (!snapshot) return { order, bytes: size * GB, volumeType }
  return {
    order,
    bytes: size * GB || snapshot.bytes,
    volumeType: volumeType || snapshot.volumeType,
    snapshot: { no: snapshot.no, name: snapshot.name },
  }
}

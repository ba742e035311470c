import type { Image } from '../image.ts'
import { isProblem } from '../problem.ts'
import type { Work } from '../work.ts'
import type { Action } from './action.ts'
import {
  getBlockStorageSnapshotInstanceList,
  type SnapshotQuery,
} from './actions/get-block-storage-snapshot-instance-list.ts'
import { getMemberServerImageInstanceDetail } from './actions/get-member-server-image-instance-detail.ts'
import { getServerImageDetail } from './actions/get-server-image-detail.ts'
import { getServerImageList } from './actions/get-server-image-list.ts'
import { upstreamProblem } from './fault.ts'
import type { Gateway } from './gateway.ts'

/** 100 rows stay below the longest answer that is read, even of images with 21 storages. */
const PAGE_SIZE = 100
const MAX_PAGES = 100

interface Place {
  regionCode: string
}

/** Reads an image of any hypervisor that the newer call knows: KVM, and XEN too. */
export const readServerImage = readerOf(getServerImageDetail)

/** Reads an image of a XEN or RHV server. */
export const readMemberServerImage = readerOf(getMemberServerImageInstanceDetail)

/**
 * Reads an image whose kind is not known: the newer call, then the older where the newer knows no such image or
 * refuses. Only where both know none it is `image-not-found`.
 */
export async function readImage(
  gateway: Gateway,
  address: Place & { imageNo: string },
  work: Work,
): Promise<Image> {
  try {
    return await readServerImage(gateway, address, work)
  } catch (first) {
    if (!isProblem(first, 'image-not-found') && !isProblem(first, 'upstream-refused')) throw first
    try {
      return await readMemberServerImage(gateway, address, work)
    } catch (second) {
      throw isProblem(second, 'image-not-found') ? first : second
    }
  }
}

/**
 * Own images of exactly that name, each with the relay's marker where it bears one, and the gateway's clock when it
 * began to answer: milliseconds since the epoch.
 */
export async function ownImages(gateway: Gateway, name: string, place: Place, work: Work) {
  const query = { ...place, name, typeCodes: ['SELF' as const] }
  const [first, ...more] = await pages(gateway, getServerImageList, query, work)
  const rows = [first, ...more].flatMap((page) => page.rows)
  const isMoving = new Set(rows.map(({ image }) => image.imageNo)).size < rows.length
  if (isMoving) throw upstreamProblem('malformed', { action: getServerImageList.name })
  // Whether the gateway's own filters are exact is not documented.
  const own = rows.filter(({ image, type }) => image.name === name && (type ?? 'SELF') === 'SELF')
  return { rows: own, gatewayTime: first.gatewayTime }
}

/** All snapshots that a query finds. */
export async function snapshots(gateway: Gateway, query: SnapshotQuery & Place, work: Work) {
  const all = await pages(gateway, getBlockStorageSnapshotInstanceList, query, work)
  return all.flatMap(({ rows }) => rows.map(({ snapshot }) => snapshot))
}

/** All snapshots of these storages, each with its storage's number. */
export async function snapshotsOf(
  gateway: Gateway,
  originalBlockStorageNos: string[],
  place: Place,
  work: Work,
) {
  const query = { ...place, originalBlockStorageNos }
  const all = await pages(gateway, getBlockStorageSnapshotInstanceList, query, work)
  return all.flatMap(({ rows }) => rows)
}

function readerOf<Output>(action: Action<{ imageNo: string }, Output, Image>) {
  return (gateway: Gateway, address: Place & { imageNo: string }, work: Work) =>
    gateway.read(action, address, work)
}

async function pages<
  Query,
  Output,
  Page extends { totalRows: number | undefined; rows: unknown[] },
>(
  gateway: Gateway,
  action: Action<Query & { pageNo?: number; pageSize?: number }, Output, Page>,
  query: Query & Place,
  work: Work,
): Promise<[Page, ...Page[]]> {
  const ask = (pageNo: number) =>
    gateway.read(action, { ...query, pageNo, pageSize: PAGE_SIZE }, work)
  const all: [Page, ...Page[]] = [await ask(1)]
  let last = all[0]
  for (let count = last.rows.length; all.length <= MAX_PAGES; count += last.rows.length) {
    const { totalRows, rows } = last
    if (totalRows !== all[0].totalRows) break
    const isLast = totalRows === undefined ? rows.length < PAGE_SIZE : count >= totalRows
    if (isLast) return all
    if (rows.length === 0) break
    last = await ask(all.length + 1)
    all.push(last)
  }
  // Rows were promised and did not come, or moved between two pages: "not among them" must not be concluded from that.
  throw upstreamProblem('malformed', { action: action.name })
}

import type { Context } from '../context.ts'
import type { Image } from '../image.ts'
import { type LogEvent, logWith } from '../log.ts'
import { isProblem } from '../problem.ts'
import type { Action } from './action.ts'
import {
  getBlockStorageSnapshotInstanceList,
  type SnapshotQuery,
} from './actions/get-block-storage-snapshot-instance-list.ts'
import { getMemberServerImageInstanceDetail } from './actions/get-member-server-image-instance-detail.ts'
import { getServerImageDetail } from './actions/get-server-image-detail.ts'
import { getServerImageList } from './actions/get-server-image-list.ts'
import { noSuchImage, upstreamProblem } from './fault.ts'
import { isAbout, mustBeAbout } from './identity.ts'

/** 100 rows stay below the maximum size of an answer, even if each image has 21 storages and line breaks. */
const PAGE_SIZE = 100
const MAX_PAGES = 100

type ReadContext = Pick<Context, 'gateway' | 'deadline' | 'readLimitMs' | 'log'>

interface RegionOption {
  regionCode: string
}

interface ImageAddress extends RegionOption {
  imageNo: string
}

/** Reads an image by `getServerImageDetail`, which knows images of every hypervisor. */
export const readServerImage = readerOf(getServerImageDetail)

/** Reads an image of a XEN or RHV server by `getMemberServerImageInstanceDetail`. */
export const readMemberServerImage = readerOf(getMemberServerImageInstanceDetail)

/**
 * Reads an image of unknown kind by `getServerImageDetail`. If that call finds no image or is refused, reads by
 * `getMemberServerImageInstanceDetail`.
 * @throws Problem `image-not-found` only if both calls find no image, or `upstream-…`
 */
export async function readImage(address: ImageAddress, context: ReadContext): Promise<Image> {
  try {
    return await readServerImage(address, { ...context, log: fallbackLog(context) })
  } catch (first) {
    if (!isProblem(first, 'image-not-found') && !isProblem(first, 'upstream-refused')) throw first
    try {
      return await readMemberServerImage(address, context)
    } catch (second) {
      throw isProblem(second, 'image-not-found') ? first : second
    }
  }
}

/**
 * Reads an image by `getServerImageDetail`. If that call is refused, reads by the list, which then decides if there is such
 * an image.
 * @throws Problem `image-not-found` or `upstream-…`
 */
export async function readOrListServerImage(
  address: ImageAddress,
  context: ReadContext,
): Promise<Image> {
  try {
    return await readServerImage(address, context)
  } catch (error) {
    if (!isProblem(error, 'upstream-refused')) throw error
    const { imageNo, regionCode } = address
    const query = { regionCode, imageNos: [imageNo] }
    const listed = await allPages(getServerImageList, query, numberOfImage, context)
    // NAVER Cloud does not document whether its filters are exact.
    const row = listed.rows.find(({ image }) => isAbout(image, { imageNo }))
    return row?.image ?? noSuchImage({ action: getServerImageList.name, ...listed })
  }
}

/** Returns a log that marks a read without a result as `fallback`, not as a failure, because a second call follows. */
function fallbackLog({ log }: ReadContext) {
  return ({ code, ...event }: LogEvent) =>
    log({ ...event, ...(code === 'image-not-found' ? { fallback: true } : code && { code }) })
}

/**
 * Reads own images, with a name only those with exactly this name. Each has the relay's marker if it has one.
 * `gatewayTime` is the gateway's clock on the first page: milliseconds since the epoch.
 */
export async function ownImages(
  name: string | undefined,
  region: RegionOption,
  context: ReadContext,
) {
  const query = { ...region, ...(name !== undefined && { name }), typeCodes: ['SELF' as const] }
  const { rows, gatewayTime } = await allPages(getServerImageList, query, numberOfImage, context)
  // NAVER Cloud does not document whether its filters are exact.
  const own = rows.filter(
    ({ image, type }) =>
      isAbout(image, name === undefined ? {} : { name }) && (type ?? 'SELF') === 'SELF',
  )
  return { rows: own, gatewayTime }
}

/** Reads all snapshots that a query finds, each with the number of its storage. */
export async function snapshots(query: SnapshotQuery & RegionOption, context: ReadContext) {
  const action = getBlockStorageSnapshotInstanceList
  return (await allPages(action, query, ({ snapshot }) => snapshot.snapshotNo, context)).rows
}

function numberOfImage({ image }: { image: Image }): string {
  return image.imageNo
}

function readerOf<Output>(action: Action<{ imageNo: string }, Output, Image>) {
  return async (address: ImageAddress, context: ReadContext) => {
    const { imageNo } = address
    const options = { ...context, log: logWith({ imageNo }, context.log) }
    return mustBeAbout(await context.gateway.read(action, address, options), { imageNo })
  }
}

/** One page of a list. `totalRows` is the number of rows on all pages; null if it is unknown. */
interface ListPage<Row> {
  totalRows: number | null
  gatewayTime: number
  rows: Row[]
}

/**
 * Reads all pages of a list. A list whose rows repeat or do not add up to `totalRows` is an error, because rows that moved
 * between two pages are missing in it, so it cannot prove that something is absent.
 * @throws Problem `upstream-malformed`, or the problem of a page
 */
async function allPages<Query, Output, Row>(
  action: Action<Query & { pageNo?: number; pageSize?: number }, Output, ListPage<Row>>,
  query: Query & RegionOption,
  numberOf: (row: Row) => string,
  context: ReadContext,
): Promise<{ rows: Row[]; gatewayTime: number }> {
  const readPage = (pageNo: number) =>
    context.gateway.read(action, { ...query, pageNo, pageSize: PAGE_SIZE }, context)
  const { totalRows, gatewayTime, rows: firstRows } = await readPage(1)
  const rows = [...firstRows]
  let last = firstRows
  const isWhole = () => (totalRows === null ? last.length < PAGE_SIZE : rows.length >= totalRows)
  for (let pageNo = 2; !isWhole(); pageNo++) {
    if (last.length === 0 || pageNo > MAX_PAGES) throw malformedList(action)
    const page = await readPage(pageNo)
    if (page.totalRows !== totalRows) throw malformedList(action)
    last = page.rows
    rows.push(...last)
  }
  const hasRepeats = new Set(rows.map(numberOf)).size < rows.length
  if (hasRepeats || rows.length > (totalRows ?? rows.length)) throw malformedList(action)
  return { rows, gatewayTime }
}

function malformedList({ name }: { name: string }) {
  return upstreamProblem('malformed', { action: name })
}

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
import { upstreamProblem } from './fault.ts'

/** 100 rows stay below the maximum size of an answer, even if each image has 21 storages. */
const PAGE_SIZE = 100
const MAX_PAGES = 100

type ReadContext = Pick<Context, 'gateway' | 'deadline' | 'log'>

interface RegionOption {
  regionCode: string
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
export async function readImage(
  address: RegionOption & { imageNo: string },
  context: ReadContext,
): Promise<Image> {
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
  const [first, ...more] = await pages(getServerImageList, query, context)
  const rows = [first, ...more].flatMap((page) => page.rows)
  const hasRepeats = new Set(rows.map(({ image }) => image.imageNo)).size < rows.length
  if (hasRepeats) throw upstreamProblem('malformed', { action: getServerImageList.name })
  // NAVER Cloud does not document whether its filters are exact.
  const own = rows.filter(
    ({ image, type }) => image.name === (name ?? image.name) && (type ?? 'SELF') === 'SELF',
  )
  return { rows: own, gatewayTime: first.gatewayTime }
}

/** Reads all snapshots that a query finds, each with the number of its storage. */
export async function snapshots(query: SnapshotQuery & RegionOption, context: ReadContext) {
  const all = await pages(getBlockStorageSnapshotInstanceList, query, context)
  return all.flatMap(({ rows }) => rows)
}

function readerOf<Output>(action: Action<{ imageNo: string }, Output, Image>) {
  return (address: RegionOption & { imageNo: string }, context: ReadContext) => {
    const { gateway, deadline, log } = context
    const { imageNo } = address
    return gateway.read(action, address, { deadline, log: logWith({ imageNo }, log) })
  }
}

async function pages<Query, Output, Page extends { totalRows: number | null; rows: unknown[] }>(
  action: Action<Query & { pageNo?: number; pageSize?: number }, Output, Page>,
  query: Query & RegionOption,
  context: ReadContext,
): Promise<[Page, ...Page[]]> {
  const readPage = (pageNo: number) =>
    context.gateway.read(action, { ...query, pageNo, pageSize: PAGE_SIZE }, context)
  const all: [Page, ...Page[]] = [await readPage(1)]
  let last = all[0]
  for (let count = last.rows.length; all.length <= MAX_PAGES; count += last.rows.length) {
    const { totalRows, rows } = last
    if (totalRows !== all[0].totalRows) break
    const isLast = totalRows === null ? rows.length < PAGE_SIZE : count >= totalRows
    if (isLast) return all
    if (rows.length === 0) break
    last = await readPage(all.length + 1)
    all.push(last)
  }
  // Announced rows are missing or moved between two pages, so the list cannot prove that an image is absent.
  throw upstreamProblem('malformed', { action: action.name })
}

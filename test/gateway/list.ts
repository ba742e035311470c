import {
  indexesOf,
  integer,
  oneOf,
  type Parameters,
  type Rule,
  refuseParameter,
} from './parameters.ts'
import { Refusal, responseError } from './refusals.ts'
import type { Row } from './shelf.ts'
import type { World } from './world.ts'

/** A rule for a parameter that filters rows. */
export interface Filter<R> extends Rule {
  keeps(row: R, wanted: string[], world: World): boolean
}

/** The filter by name, exact or by substring as set in `nameFilter`. */
export const byName = {
  says: 'may be anything',
  holds: () => true,
  keeps: (row: Row, [wanted = '']: string[], { nameFilter }: World) =>
    nameFilter === 'exact' ? row.name === wanted : row.name.includes(wanted),
} satisfies Filter<Row>

/** Returns the rules for the paging and sorting parameters. */
export function arrangement(sortKey: string): Record<string, Rule> {
  return {
    pageNo: integer(0),
    pageSize: integer(1, 1000),
    sortedBy: oneOf(sortKey),
    sortingOrder: oneOf('ASC', 'DESC'),
  }
}

/** Returns the requested page of a region's rows, filtered and sorted. */
export function select<R extends Row>(
  rows: R[],
  filters: Record<string, Filter<R>>,
  { parameters, world }: { parameters: Parameters; world: World },
): { rows: R[]; totalRows: number } {
  const matching = Object.entries(filters).reduce(
    (left, [name, filter]) => {
      const wanted = wantedOf(parameters, name)
      return wanted.length === 0 ? left : left.filter((row) => filter.keeps(row, wanted, world))
    },
    rows.filter((row) => row.region === regionOf(parameters)),
  )
  return { rows: page(sort(matching, parameters), parameters), totalRows: matching.length }
}

/** Returns the requested region. The default is the first one of getRegionList. */
export function regionOf(parameters: Parameters): string {
  return parameters.regionCode ?? 'KR'
}

/**
 * Returns the row with a number in the requested region, or no row.
 *
 * @throws Refusal if there is no such row and `unknownImage` is 'refusal'
 */
export function selectOne<R extends Row>(
  rows: R[],
  no: string | undefined,
  { parameters, world }: { parameters: Parameters; world: World },
): R[] {
  const region = regionOf(parameters)
  const found = rows.filter((row) => row.no === no && row.region === region)
  if (found.length === 0 && world.unknownImage === 'refusal') {
    throw new Refusal(responseError('noSuchImage'))
  }
  return found
}

function wantedOf(parameters: Parameters, name: string): string[] {
  const list = name.replace(/\.N$/, '')
  const names = list === name ? [name] : indexesOf(parameters, list).map((n) => `${list}.${n}`)
  return names.flatMap((each) => parameters[each] ?? [])
}

function sort<R extends Row>(rows: R[], { sortedBy, sortingOrder }: Parameters): R[] {
  if (sortedBy === undefined) return rows
  const direction = sortingOrder === 'DESC' ? -1 : 1
  return rows.toSorted((a, b) => (a.name < b.name ? -direction : direction))
}

function page<R>(rows: R[], { pageNo, pageSize }: Parameters): R[] {
  if (pageNo === undefined && pageSize === undefined) return rows
  if (pageNo === undefined) refuseParameter('pageNo', 'is required with pageSize')
  if (pageSize === undefined) refuseParameter('pageSize', 'is required with pageNo')
  // 0 and 1 both mean the first page.
  const start = Math.max(Number(pageNo) - 1, 0) * Number(pageSize)
  return rows.slice(start, start + Number(pageSize))
}

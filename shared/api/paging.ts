import * as v from 'valibot'
import type { Position } from '../newest-first.ts'
import { Problem } from '../problem.ts'

/** The maximum size of a page that has no limit of its own. */
export const DEFAULT_LIMIT = 20

/** The maximum size of a page, as text. */
export const Limit = v.pipe(
  v.string(),
  v.regex(/^([1-9]\d?|100)$/, 'must be 1 to 100'),
  v.description(`1 to 100; ${DEFAULT_LIMIT} by default`),
  v.transform((text) => Number(text)),
)

/** A page of a list; without `next` it is the last one. */
export interface Page<Item> {
  items: Item[]
  next?: string
}

/** Returns the first page of a sorted list. `next` is the position of its last item. */
export function pageOf<Item>(
  sorted: Item[],
  limit: number,
  positionOf: (item: Item) => Position,
): Page<Item> {
  const items = sorted.slice(0, limit)
  const last = items.at(-1)
  return last && sorted.length > limit ? { items, next: cursorOf(positionOf(last)) } : { items }
}

function cursorOf({ createdAt, id }: Position): string {
  return `${createdAt.toString(36)}.${id}`
}

/** Returns the position in a cursor. `idPattern` matches the ids of the listed items. @throws Problem `malformed-request` */
export function readCursor(cursor: string, idPattern: RegExp): Position {
  const [, createdAt, id] = /^([0-9a-z]{1,10})\.(.+)$/.exec(cursor) ?? []
  if (!createdAt || !id || !idPattern.test(id)) {
    throw new Problem('malformed-request', 'The cursor must be the `next` of a list')
  }
  return { createdAt: Number.parseInt(createdAt, 36), id }
}

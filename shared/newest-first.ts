/** The place of an item in a list: its creation time in milliseconds since the epoch, then its id. */
export interface Position {
  createdAt: number
  id: string
}

/** Compares two positions for a list that has the newest first, and the highest id first among equally old ones. */
export function newestFirst(one: Position, other: Position): number {
  // A shorter id is a lower number.
  const byId = other.id.length - one.id.length || (one.id < other.id ? 1 : -1)
  return other.createdAt - one.createdAt || (one.id === other.id ? 0 : byId)
}

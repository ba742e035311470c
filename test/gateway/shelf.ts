/** The three fields of the API that describe one state. */
export interface State {
  status: string
  operation: string
  statusName: string
}

/** The states that are documented with both codes. */
export const states = {
  initialized: { status: 'INIT', operation: 'NULL', statusName: 'initialized' },
  creating: { status: 'INIT', operation: 'CREAT', statusName: 'creating' },
  created: { status: 'CREAT', operation: 'NULL', statusName: 'created' },
  createFailed: { status: 'CREFL', operation: 'NULL', statusName: 'createFailed' },
  terminating: { status: 'CREAT', operation: 'TERMT', statusName: 'terminating' },
} satisfies Record<string, State>

/** The fields that images and snapshots share. */
export interface Row {
  no: string
  name: string
  description: string
  region: string
  createDate: string
  state: State
  /** The future states, soonest first. */
  ahead: { at: number; state: State }[]
}

/** The rows of one kind. Every read first updates their states by the gateway's clock. */
export interface Shelf<R extends Row> {
  all(): R[]
  find(no: string): R | undefined
  /** Returns a row with a new number, without adding it. */
  draft(part?: Partial<R>): R
  /** Adds a row. */
  add(part?: Partial<R>): R
  /** Changes a row. A state that is set this way no longer changes by itself. */
  change(no: string, part: Partial<R>): R
  delete(no: string): void
  reset(): void
}

/** One kind of row: its seeds, its default fields and the first new number. */
export interface Kind<R extends Row> {
  seeds: Partial<R>[]
  blank: Omit<R, keyof Row>
  firstNo: number
}

/** Opens a shelf with the seeds. */
export function openShelf<R extends Row>(now: () => number, kind: Kind<R>): Shelf<R> {
  let rows: R[] = []
  let upcoming = kind.firstNo
  const shelf: Shelf<R> = {
    all() {
      for (const row of rows) moveOn(row, now())
      return rows
    },
    find: (no) => shelf.all().find((row) => row.no === no),
    draft(part) {
      const no = part?.no ?? String(upcoming++)
      return structuredClone({ ...plainRow(no, now()), ...kind.blank, ...part } as R)
    },
    add(part) {
      const row = shelf.draft(part)
      rows.push(row)
      return row
    },
    change(no, part) {
      const row = shelf.find(no)
      if (!row) throw new Error(`Cannot change row: no row has the number ${no}`)
      return Object.assign(row, part.state && { ahead: [] }, part)
    },
    delete(no) {
      rows = rows.filter((row) => row.no !== no)
    },
    reset() {
      rows = kind.seeds.map(shelf.draft)
      upcoming = kind.firstNo
    },
  }
  shelf.reset()
  return shelf
}

function plainRow(no: string, now: number): Row {
  return {
    no,
    name: `row-${no}`,
    description: '',
    region: 'KR',
    createDate: koreanDate(now),
    state: states.created,
    ahead: [],
  }
}

function moveOn(row: Row, now: number) {
  const due = row.ahead.filter((stage) => stage.at <= now)
  row.state = due.at(-1)?.state ?? row.state
  row.ahead = row.ahead.slice(due.length)
}

/** Formats a time as the API does: Korean time, the offset without a colon. */
export function koreanDate(ms: number): string {
  return `${new Date(ms + 9 * 3_600_000).toISOString().slice(0, 19)}+0900`
}

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

/** What images and snapshots have in common. */
export interface Row {
  no: string
  name: string
  description: string
  region: string
  createDate: string
  state: State
  /** The states still to come, soonest first. */
  ahead: { at: number; state: State }[]
}

/** The rows of one kind, moved on to the gateway's present moment before every look at them. */
export interface Shelf<R extends Row> {
  all(): R[]
  find(no: string): R | undefined
  /** A row with a number of its own that is not there yet. */
  draft(part?: Partial<R>): R
  /** Puts a row there, whoever made it. */
  add(part?: Partial<R>): R
  /** Changes a row; a state set this way stays. */
  change(no: string, part: Partial<R>): R
  delete(no: string): void
  reset(): void
}

/** One kind of row: what is there from the start, and what a row is that does not say otherwise. */
export interface Kind<R extends Row> {
  seeds: Partial<R>[]
  blank: Omit<R, keyof Row>
  firstNo: number
}

/** Opens a shelf holding the seeds. */
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

/** A moment as the API writes it: Korean time, the offset without a colon. */
export function koreanDate(ms: number): string {
  return `${new Date(ms + 9 * 3_600_000).toISOString().slice(0, 19)}+0900`
}

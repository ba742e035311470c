import * as v from 'valibot'

/** A number of NCP in a request: digits, kept as text. */
export const Digits = v.pipe(v.string(), v.regex(/^[0-9]{1,20}$/, 'must be 1 to 20 digits'))

/** The code of a region: `KR`, `SGN`, `JPN` … Only its shape is checked, because NCP adds regions. */
export const RegionCode = v.pipe(
  v.string(),
  v.regex(
    /^[A-Z][A-Z0-9]{1,9}$/,
    'must be 2 to 10 capital letters and digits, beginning with a letter: KR, SGN, JPN …',
  ),
)

// A field of an answer either decides or is only shown. Number, name and the codes of status and operation decide: an answer
// in which one of them is odd cannot be read. All other fields are read leniently, because NAVER Cloud has changed their
// types before, and one odd field must not make a list of a hundred rows unreadable.

/** A number of NCP that decides: text in most places, a JSON number in some. */
export const AnswerNo = v.union([
  v.pipe(v.string(), v.nonEmpty()),
  v.pipe(
    v.number(),
    v.safeInteger(),
    v.transform((no) => String(no)),
  ),
])

/** The code of a status or an operation, which decides; null if it is missing. `codeName` is localised, so it is not read. */
export const DecidingCode = v.pipe(
  v.nullish(v.object({ code: v.string() }), null),
  v.transform((status) => status?.code ?? null),
)

/** A number of NCP that is only shown: null if it is missing or odd. */
export const ShownNo = lenient((value) => (v.is(AnswerNo, value) ? String(value) : null))

/** A text that is only shown; also a number or a boolean. Null if it is missing, empty or odd. */
export const ShownText = lenient(textOf)

/** An amount that is only shown: a number, also as text. Null if it is missing or odd. */
export const ShownAmount = lenient(amountOf)

/** A flag that is only shown: a boolean, also as text. Null if it is missing or odd. */
export const ShownFlag = lenient((value) => {
  const word = String(textOf(value)).toLowerCase()
  return word === 'true' ? true : word === 'false' ? false : null
})

/** The code of NCP's CommonCode that is only shown, also without its object. Null if it is missing or odd. */
export const ShownCode = lenient((value) =>
  textOf(isObject(value) && 'code' in value ? value.code : value),
)

/** A list that is only shown or counted: null if it is missing or not a list. */
export const ShownList = lenient((value): unknown[] | null => (Array.isArray(value) ? value : null))

/** A date that is only shown, `2025-06-26T11:09:07+0900`, as RFC 3339; null if it is missing or not a date. */
export const ShownDate = lenient((value) => {
  // ECMAScript's date format needs the colon that NCP leaves out.
  const date = textOf(value)?.replace(/([+-]\d\d)(\d\d)$/, '$1:$2') ?? ''
  return RFC_3339.test(date) && !Number.isNaN(Date.parse(date)) ? date : null
})

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
const AMOUNT = /^-?\d+(\.\d+)?$/

/** Returns a schema that accepts anything, and reads it with a function. */
function lenient<Value>(read: (value: unknown) => Value) {
  return v.pipe(v.optional(v.unknown(), null), v.transform(read))
}

function textOf(value: unknown): string | null {
  const isScalar = typeof value === 'number' || typeof value === 'boolean'
  return (typeof value === 'string' && value) || (isScalar ? String(value) : null)
}

function amountOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  return typeof value === 'string' && AMOUNT.test(value) ? Number(value) : null
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Returns if an image is shared, by the code of its share status; null for a code that is not documented. */
export function sharedBy(code: string | null): boolean | null {
  return code === 'SHARE' ? true : code === 'NULL' ? false : null
}

/**
 * Returns a schema of an answer's rows, and of the number of rows on all pages if the answer has it. A missing list counts
 * as empty only with `totalRows: 0`. Otherwise an answer without its list would look like an answer without rows.
 */
export function listOf<Row>(key: string, row: v.GenericSchema<unknown, Row>) {
  return v.pipe(
    v.looseObject({ totalRows: ShownAmount }),
    v.transform(({ totalRows, [key]: rows }) => {
      const listed: unknown = rows ?? (totalRows === 0 ? [] : undefined)
      return { totalRows, rows: listed }
    }),
    v.object({ totalRows: v.nullable(v.number()), rows: v.array(row) }),
  )
}

/** Returns a schema of an answer about one thing: its row, or none. Several rows do not say which of them it is. */
export function atMostOne<Row>(key: string, row: v.GenericSchema<unknown, Row>) {
  return v.pipe(
    listOf(key, row),
    v.check(({ rows }) => rows.length <= 1),
  )
}

/** NCP counts 1 GB as 2³⁰ bytes. */
const BYTES_PER_GB = 2 ** 30

/** Returns a size in bytes and in GB; null where it is unknown. */
export function sizes(bytes: number | null | undefined) {
  return { sizeBytes: bytes ?? null, sizeGb: bytes == null ? null : bytes / BYTES_PER_GB }
}

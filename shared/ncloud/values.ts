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

/** A number of NCP in an answer: text in most places, a JSON number in some. */
export const AnswerNo = v.union([
  v.pipe(v.string(), v.nonEmpty()),
  v.pipe(
    v.number(),
    v.safeInteger(),
    v.transform((no) => String(no)),
  ),
])

/** NCP's CommonCode. `codeName` is localised and unstable, so it is not read. */
export const CommonCode = v.object({ code: v.string() })

/** A text that may be missing, empty or null in an answer: null in each case. */
export const OptionalText = v.pipe(
  v.nullish(v.string(), ''),
  v.transform((text) => text || null),
)

/** A date in an answer, `2025-06-26T11:09:07+0900`, as RFC 3339; null if it is missing or not a date. */
export const AnswerDate = v.pipe(
  v.nullish(v.string(), ''),
  v.transform((text) => {
    // ECMAScript's date format needs the colon that NCP leaves out.
    const date = text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')
    return RFC_3339.test(date) && !Number.isNaN(Date.parse(date)) ? date : null
  }),
)

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

/**
 * Returns a schema of an answer's rows, and of the number of rows on all pages if the answer has it. A missing list counts
 * as empty only with `totalRows: 0`. Otherwise an answer without its list would look like an answer without rows.
 */
export function listOf<Row>(key: string, row: v.GenericSchema<unknown, Row>) {
  return v.pipe(
    v.looseObject({ totalRows: v.optional(v.number()) }),
    v.transform(({ totalRows, [key]: rows = totalRows === 0 ? [] : undefined }) => ({
      totalRows,
      rows,
    })),
    v.object({ totalRows: v.optional(v.number()), rows: v.array(row) }),
  )
}

/** NCP counts 1 GB as 2³⁰ bytes. */
const BYTES_PER_GB = 2 ** 30

/** Returns a size in bytes and in GB; null where it is unknown. */
export function sizes(bytes: number | null | undefined) {
  return { sizeBytes: bytes ?? null, sizeGb: bytes == null ? null : bytes / BYTES_PER_GB }
}

import * as v from 'valibot'

/** A number that NCP gave to something, as callers write it: digits, kept as text. */
export const Digits = v.pipe(v.string(), v.regex(/^[0-9]{1,20}$/, 'must be 1 to 20 digits'))

/** A region's code: `KR`, `SGN`, `JPN` … By shape only, because NCP adds regions. */
export const RegionCode = v.pipe(
  v.string(),
  v.regex(
    /^[A-Z][A-Z0-9]{1,9}$/,
    'must be 2 to 10 capital letters and digits, a letter first: KR, SGN, JPN …',
  ),
)

/** A number in an answer: text in most places, a JSON number in some. */
export const GivenNo = v.union([
  v.pipe(v.string(), v.nonEmpty()),
  v.pipe(
    v.number(),
    v.safeInteger(),
    v.transform((no) => String(no)),
  ),
])

/** NCP's CommonCode; `codeName` is localised and unstable, so it is not even read. */
export const CommonCode = v.object({ code: v.string() })

/** A text that answers may leave out, leave empty or set to null: null in each case. */
export const OptionalText = v.pipe(
  v.nullish(v.string(), ''),
  v.transform((text) => text || null),
)

/** A date of an answer, `2025-06-26T11:09:07+0900`, as RFC 3339; null where it is missing or no date. */
export const GivenDate = v.pipe(
  v.nullish(v.string(), ''),
  v.transform((text) => {
    // ECMAScript's date format wants the colon that NCP leaves out.
    const date = text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')
    return RFC_3339.test(date) && !Number.isNaN(Date.parse(date)) ? date : null
  }),
)

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

/**
 * The rows of an answer, and how many all its pages hold where it says so. A missing list is an empty one
 * only beside `totalRows: 0`: anything else would make "not there" of "not said".
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

/** Bytes of a size in GB as NCP counts it: 1 GB = 2³⁰ bytes. */
const BYTES_PER_GB = 2 ** 30

/** A size both ways; null where it is unknown. */
export function sizes(bytes: number | null | undefined) {
  return { sizeBytes: bytes ?? null, sizeGb: bytes == null ? null : bytes / BYTES_PER_GB }
}

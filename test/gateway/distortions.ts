import type { Document } from './refusals.ts'

type Entries = [string, unknown][]

/** Returns the answer with another root name. Errors keep their own. */
export function rooted(document: Document, root: string): Document {
  return isSuccess(document) ? { [root]: Object.values(document)[0] } : document
}

/** Returns an answer of the action with a returnCode other than "0" and without a list. */
export function failing(action: string): Document {
  return {
    [`${action}Response`]: { totalRows: 0, returnCode: '1300', returnMessage: 'unknown error' },
  }
}

/** Writes `returnCode` as a number, as older answers do. */
export function withNumericReturnCode(document: Document): Document {
  return rewritten(document, (entries) =>
    entries.map(([key, value]) => (key === 'returnCode' ? [key, Number(value)] : [key, value])),
  )
}

/** Sets `totalRows` to 3 and keeps only the first row. */
export function withLyingRows(document: Document): Document {
  return rewritten(document, (entries) => {
    const isEnvelope = entries.some(([key]) => key === 'totalRows')
    if (!isEnvelope) return entries
    return entries.map(([key, value]) => [key, key === 'totalRows' ? 3 : firstOf(value)])
  })
}

/** Adds fields that no client knows to every object below the root. */
export function withExtraFields(document: Document): Document {
  const extra: Entries = [
    ['addedLaterName', 'later'],
    ['addedLaterType', { code: 'LATER', codeName: 'Later' }],
    ['addedLaterList', [1, null, { nested: true }]],
  ]
  return rewritten(document, (entries, isRoot) => (isRoot ? entries : [...entries, ...extra]))
}

const optionalFields = [
  'requestId',
  'serverImageDescription',
  'serverImageLifeCyclePhase',
  'platformCategoryCode',
  'memberServerImageDescription',
]

/** Removes the fields that the documents call optional or that older answers lack. */
export function withoutOptionalFields(document: Document): Document {
  return rewritten(document, (entries) => entries.filter(([key]) => !optionalFields.includes(key)))
}

/** Gives every row a state that no document describes. */
export function withUnknownCodes(document: Document): Document {
  return rewritten(document, (entries) =>
    entries.map(([key, value]) => {
      if (/(Image|Instance)Status$/.test(key)) return [key, { code: 'WXYZ', codeName: 'NSI WXYZ' }]
      if (key.endsWith('Operation')) return [key, { code: 'QRST', codeName: 'NSI QRST' }]
      if (key.endsWith('StatusName')) return [key, 'unheard-of']
      return [key, value]
    }),
  )
}

const deciding =
  /^(totalRows|returnCode|\w*(Image|Instance)(No|Name)|\w*(Image|Instance)(Status|Operation))$/

/** Writes every field that decides nothing with another type, as NCP's Go SDK had it in June 2026. */
export function withOddTypes(document: Document): Document {
  const other = (value: unknown) => {
    if (typeof value === 'number' || typeof value === 'boolean') return String(value)
    return typeof value === 'string' ? Number(value) || {} : value
  }
  return rewritten(document, (entries) => {
    const isCode = entries.some(([key]) => key === 'codeName')
    if (isCode) return entries
    return entries.map(([key, value]) => [key, deciding.test(key) ? value : other(value)])
  })
}

/** Appends a word to each description, as somebody may in the console. */
export function edited(document: Document): Document {
  return rewritten(document, (entries) =>
    entries.map(([key, value]) => [
      key,
      /Description$/.test(key) && value ? `${value} edited` : value,
    ]),
  )
}

/** Replaces number and name of each row, as if the answer were about another image. */
export function withAnotherRow(document: Document): Document {
  return rewritten(document, (entries) =>
    entries.map(([key, value]) => {
      if (/^\w*(Image|ImageInstance)No$/.test(key)) return [key, '82265']
      return [key, /^(memberS|s)erverImageName$/.test(key) ? 'another' : value]
    }),
  )
}

/** Repeats every row. */
export function withRepeatedRows(document: Document): Document {
  return rewritten(document, (entries) => {
    const isEnvelope = entries.some(([key]) => key === 'totalRows')
    if (!isEnvelope) return entries
    return entries.map(([key, value]) => [key, Array.isArray(value) ? [...value, ...value] : value])
  })
}

function isSuccess(document: Document): boolean {
  return !('error' in document || 'responseError' in document)
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value.slice(0, 1) : value
}

function rewritten(
  document: Document,
  change: (entries: Entries, isRoot: boolean) => Entries,
): Document {
  // Inner objects are changed first, so that added fields are not changed again.
  const object = (value: object, isRoot: boolean): Document => {
    const entries = Object.entries(value).map(([key, each]): [string, unknown] => [
      key,
      deeper(each),
    ])
    return Object.fromEntries(change(entries, isRoot))
  }
  const deeper = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(deeper)
    return typeof value === 'object' && value !== null ? object(value, false) : value
  }
  return object(document, true)
}

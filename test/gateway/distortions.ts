import type { Document } from './refusals.ts'

type Entries = [string, unknown][]

/** The same answer under another root; errors keep theirs. */
export function rooted(document: Document, root: string): Document {
  return isSuccess(document) ? { [root]: Object.values(document)[0] } : document
}

/** An answer of the action whose returnCode is not "0" and which has no list. */
export function failing(action: string): Document {
  return {
    [`${action}Response`]: { totalRows: 0, returnCode: '1300', returnMessage: 'unknown error' },
  }
}

/** `returnCode` as the number it was in older answers. */
export function withNumericReturnCode(document: Document): Document {
  return rewritten(document, (entries) =>
    entries.map(([key, value]) => (key === 'returnCode' ? [key, Number(value)] : [key, value])),
  )
}

/** Three rows announced, one delivered. */
export function withLyingRows(document: Document): Document {
  return rewritten(document, (entries) => {
    const isEnvelope = entries.some(([key]) => key === 'totalRows')
    if (!isEnvelope) return entries
    return entries.map(([key, value]) => [key, key === 'totalRows' ? 3 : firstOf(value)])
  })
}

/** Something a client has never heard of in every object below the root. */
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

/** Without the fields the documents call optional or older answers lack. */
export function withoutOptionalFields(document: Document): Document {
  return rewritten(document, (entries) => entries.filter(([key]) => !optionalFields.includes(key)))
}

/** Every row in a state no document knows. */
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
  // What is inside comes first: what a change adds is not changed again.
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

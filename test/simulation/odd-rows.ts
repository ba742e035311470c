import type { Random } from './random.ts'

type Row = Record<string, unknown>

/** The fields that are only shown. The mapping list holds snapshot numbers, so only its other fields become odd. */
const SHOWN = [
  'serverImageStatusName',
  'serverImageProductCode',
  'createDate',
  'shareStatus',
  'sharedLoginIdList',
  'hypervisorType',
  'osType',
]

/** Returns a row in which fields that decide nothing have other types. */
export function oddRow<Truth extends Row>(truth: Truth, random: Random): Truth {
  const values = [null, 7, '7', true, {}, [], [{}]]
  const odd = () => values[random.between(0, values.length - 1)]
  const shown = SHOWN.map((key) => [key, odd()])
  const mappings = truth.blockStorageMappingList
  return {
    ...truth,
    ...Object.fromEntries(shown),
    ...(Array.isArray(mappings) && {
      blockStorageMappingList: mappings.map((one) => {
        return { ...one, order: odd(), blockStorageSize: odd(), iops: odd(), throughput: odd() }
      }),
    }),
  }
}

/**
 * Returns the row of a failed image that was not asked for: it has another number, another name, or both. A create asks for no
 * number, so its answer has at least another name.
 */
export function otherRow<Truth extends Row>(
  truth: Truth,
  random: Random,
  { isCreate }: { isCreate: boolean },
): Truth {
  const other = random.weighted({ ...(!isCreate && { number: 1 }), name: 1, both: 1 })
  return {
    ...truth,
    ...(other !== 'name' && { serverImageNo: '82265' }),
    ...(other !== 'number' && { serverImageName: 'another' }),
    serverImageStatus: { code: 'CREFL' },
    serverImageOperation: { code: 'NULL' },
  }
}

/** Returns a list in which the first row is repeated in place of the last one. */
export function withRepeatedRow<Truth>(rows: Truth[]): Truth[] {
  const [first] = rows
  return first === undefined || rows.length < 2 ? rows : [...rows.slice(0, -1), first]
}

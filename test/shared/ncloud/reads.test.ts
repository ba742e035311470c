import { describe, expect, test } from 'vitest'
import type { Gateway } from '../../../shared/ncloud/gateway.ts'
import {
  ownImages,
  readImage,
  readMemberServerImage,
  readServerImage,
  snapshots,
} from '../../../shared/ncloud/reads.ts'
import { image } from '../operations/records.ts'

const limits = { actor: 'key:ci', deadline: 0, log: () => {} }
/** Returns a row of a list of images, and of a list of snapshots. */
const numbered = (no: number) => ({
  snapshot: { snapshotNo: String(no) },
  image: { ...image('ready'), imageNo: String(no) },
  markers: [],
  type: 'SELF',
})
const from = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => numbered(first + index))

/** Returns a gateway that answers with these pages, each with a later time of its clock. */
function paged(...pages: { totalRows: number; rows: ReturnType<typeof numbered>[] }[]): Gateway {
  const read = async (_: unknown, { pageNo }: { pageNo?: number }) => {
    const page = pages[(pageNo ?? 1) - 1] ?? { totalRows: 0, rows: [] }
    return { ...page, gatewayTime: (pageNo ?? 1) * 1_000 }
  }
  return { read } as unknown as Gateway
}

test('reads all pages, and returns the gateway’s time at the first one', async () => {
  const gateway = paged(
    { totalRows: 101, rows: from(1, 100) },
    { totalRows: 101, rows: from(101, 101) },
  )
  const { rows, gatewayTime } = await ownImages('web', { regionCode: 'KR' }, { ...limits, gateway })
  expect([rows.length, gatewayTime]).toEqual([101, 1_000])
})

// A row that moves from the second page to the first after the first was read would seem to be absent.
describe.each([
  ['images', ownImages.bind(null, 'web')],
  ['snapshots', snapshots],
])('a list of %s', (_, readList) => {
  test.each([
    [
      'an earlier row was deleted',
      { totalRows: 101, rows: from(1, 100) },
      { totalRows: 100, rows: [] },
    ],
    [
      'a row was added',
      { totalRows: 101, rows: from(1, 100) },
      { totalRows: 102, rows: from(101, 102) },
    ],
    [
      'a row appears twice',
      { totalRows: 101, rows: from(1, 100) },
      { totalRows: 101, rows: from(100, 100) },
    ],
    [
      'there are too many rows',
      { totalRows: 101, rows: from(1, 100) },
      { totalRows: 101, rows: from(101, 102) },
    ],
    [
      'the second page is the first one',
      { totalRows: 150, rows: from(1, 100) },
      { totalRows: 150, rows: from(1, 50) },
    ],
    ['rows are missing', { totalRows: 102, rows: from(1, 100) }, { totalRows: 102, rows: [] }],
  ])('rejects the pages if %s', async (_, first, second) => {
    const context = { ...limits, gateway: paged(first, second) }
    const look = readList({ regionCode: 'KR' }, context)
    await expect(look).rejects.toMatchObject({ code: 'upstream-malformed' })
  })
})

test.each([[readServerImage], [readMemberServerImage], [readImage]])(
  'an answer about another image cannot be read: %o',
  async (read) => {
    const gateway = { read: async () => image('failed') } as unknown as Gateway
    const asked = (imageNo: string) => read({ imageNo, regionCode: 'KR' }, { ...limits, gateway })
    expect((await asked('30000001')).phase).toBe('failed')
    await expect(asked('71001')).rejects.toMatchObject({ code: 'upstream-malformed' })
  },
)

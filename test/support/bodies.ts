import fc from 'fast-check'

const letters = 'abcdefghijklmnopqrstuvwxyz'
const digits = '0123456789'
const of = (characters: string) => fc.constantFrom(...characters)

const name = fc
  .tuple(
    of(letters),
    fc.string({ unit: of(`${letters}${digits}-`), minLength: 1, maxLength: 28 }),
    of(letters + digits),
  )
  .map((parts) => parts.join(''))
const description = fc
  .string({ unit: 'binary', maxLength: 300 })
  .map((text) => text.toWellFormed())
  .filter((text) => Buffer.byteLength(text.normalize('NFC')) <= 975)
const snapshotNo = fc.string({ unit: of(digits), minLength: 1, maxLength: 20 })
const sizeGb = fc.integer({ min: 1, max: 2_000 }).map((tens) => tens * 10)
const volumeType = fc.constantFrom('CB1', 'CB2', 'FB1', 'FB2')
const partly = { requiredKeys: ['snapshotNo'] as ['snapshotNo'] }
const base = fc.record({ snapshotNo, sizeGb }, partly)
const further = fc.oneof(
  fc.record({ snapshotNo, sizeGb, volumeType }, partly),
  fc.record({ sizeGb, volumeType }),
)
const storages = fc
  .tuple(base, fc.array(further, { maxLength: 20 }))
  .map(([first, rest]) => [first, ...rest])
/** Valid bodies of a create, of every kind. */
export const image = fc.record(
  {
    name,
    description,
    regionCode: fc.constantFrom('KR', 'SGN', 'JPN', 'KRS', 'FKR'),
    storages,
    notify: fc.array(fc.string({ unit: of(letters), minLength: 1, maxLength: 9 }), {
      maxLength: 3,
    }),
  },
  { requiredKeys: ['name', 'storages'] },
)

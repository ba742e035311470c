import { expect, test } from 'vitest'
import {
  MARKER_BYTES,
  marked,
  markerOf,
  markersIn,
  withoutMarker,
} from '../../../shared/operations/marker.ts'

const marker = '0123456789abcdef'

test('the marker is the beginning of the key’s hash', () => {
  expect(markerOf(`${marker}${'f'.repeat(48)}`)).toBe(marker)
})

test.each([
  ['nightly', `nightly [relay:${marker}]`, 'nightly'],
  ['ends with a space ', `ends with a space  [relay:${marker}]`, 'ends with a space '],
  ['two\nlines', `two\nlines [relay:${marker}]`, 'two\nlines'],
  [undefined, `[relay:${marker}]`, ''],
  [
    '[relay:0000000000000000]',
    `[relay:0000000000000000] [relay:${marker}]`,
    '[relay:0000000000000000]',
  ],
])('%j is kept as %j', (description, kept, text) => {
  expect(marked(description, marker)).toBe(kept)
  expect([withoutMarker(kept), markersIn(kept).at(-1)]).toEqual([text, marker])
})

test.each([
  [`nightly [relay:${marker}] edited`, 'nightly edited'],
  [`[relay:${marker}] edited`, 'edited'],
  [`[relay:${marker}]`, ''],
  [`(nightly [relay:${marker}])`, '(nightly)'],
  [`two\nlines [relay:${marker}]\nand a third`, 'two\nlines\nand a third'],
])('the marker counts wherever it stands: %j is shown as %j', (kept, text) => {
  expect([withoutMarker(kept), markersIn(kept)]).toEqual([text, [marker]])
})

test('a copied description has two markers', () => {
  const other = '0000000000000000'
  expect(markersIn(`nightly [relay:${marker}] [relay:${other}]`)).toEqual([marker, other])
})

test.each(['nightly', '', 'ends with a space ', ' begins with one', '[relay:XYZ]', '[relay:0123]'])(
  '%j has no marker',
  (text) => {
    expect([withoutMarker(text), markersIn(text)]).toEqual([text, []])
  },
)

test('the marker takes 25 bytes of the description', () => {
  expect(MARKER_BYTES).toBe(25)
  expect(marked('x', marker)).toHaveLength(1 + 25)
})

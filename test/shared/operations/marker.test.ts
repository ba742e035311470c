import { expect, test } from 'vitest'
import { MARKER_BYTES, marked, markerOf, unmarked } from '../../../shared/operations/marker.ts'

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
  expect(unmarked(kept)).toEqual({ description: text, marker })
})

test.each(['nightly', '', `[relay:${marker}] not at the end`, '[relay:XYZ]', '[relay:0123]'])(
  '%j has no marker',
  (text) => {
    expect(unmarked(text)).toEqual({ description: text, marker: null })
  },
)

test('the marker takes 25 bytes of the description', () => {
  expect(MARKER_BYTES).toBe(25)
  expect(marked('x', marker)).toHaveLength(1 + 25)
})

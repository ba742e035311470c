import { expect, test } from 'vitest'
import { headerList } from '../../../shared/web/header-list.ts'

test.each([
  ['', []],
  ['a', [['a', {}]]],
  [
    ' a , b ',
    [
      ['a', {}],
      ['b', {}],
    ],
  ],
  [
    ',a,,b,',
    [
      ['a', {}],
      ['b', {}],
    ],
  ],
  [
    'foo="bar, wait=9", wait=2',
    [
      ['foo="bar, wait=9"', {}],
      ['wait=2', {}],
    ],
  ],
  ['"a, b";P=1', [['a, b', { p: '1' }]]],
  ['text/plain;q=0.5;profile="x;y,z"', [['text/plain', { q: '0.5', profile: 'x;y,z' }]]],
  ['a;b="say \\"hi\\""', [['a', { b: 'say "hi"' }]]],
  ['a; b = 1', [['a', { b: '1' }]]],
  ['a="open, b', [['a="open, b', {}]]],
])('%j has the members %j', (header, members) => {
  const found = headerList(header).map(({ value, parameters }) => {
    return [value, Object.fromEntries(parameters)]
  })
  expect(found).toEqual(members)
})

import { describe, expect, test } from 'vitest'
import { scanXml } from '../../../shared/ncloud/xml.ts'

const PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'

describe('an error', () => {
  test.each([
    [
      'of the Server API',
      `${PROLOG}<responseError>\n  <returnCode>1300</returnCode>\n  <returnMessage>No &lt;b&gt; &amp; no</returnMessage>\n</responseError>`,
      { root: 'responseError', code: '1300', message: 'No <b> & no' },
    ],
    [
      'of the gateway',
      '<error><errorCode>200</errorCode><message>Authentication Failed</message><details/></error>',
      { root: 'error', code: '200', message: 'Authentication Failed' },
    ],
    [
      'without a message',
      '<error><errorCode>200</errorCode></error>',
      { root: 'error', code: '200' },
    ],
    [
      'with attributes at the root',
      '<responseError xmlns="urn:x"><returnCode>1</returnCode></responseError>',
      { root: 'responseError', code: '1' },
    ],
  ])('%s is found', (_, xml, found) => {
    expect(scanXml(xml)).toEqual({ message: undefined, ...found })
  })
})

test.each([
  ['HTML', '<html><head></head></html>'],
  ['HTML with a doctype', '<!DOCTYPE html><html></html>'],
  [
    'a doctype with entities',
    '<!DOCTYPE x [<!ENTITY a "b">]><responseError><returnCode>1</returnCode></responseError>',
  ],
  ['a comment', '<!-- <error> -->'],
  ['an empty text', ''],
])('%s is not an answer', (_, text) => {
  expect(scanXml(text)).toBeUndefined()
})

// An algorithm of quadratic time would exceed the time limit of a test.
test.each<[string, (length: number) => string, object | undefined]>([
  ['opening tags', (length) => '<a>'.repeat(length / 3), { root: 'a' }],
  ['an unclosed root', (length) => `<${'a'.repeat(length)}`, undefined],
  [
    'unclosed codes',
    (length) => `<error>${'<errorCode>'.repeat(length / 11)}`,
    { root: 'error', code: '' },
  ],
  ['white space', (length) => `${' '.repeat(length)}<`, undefined],
  ['attributes', (length) => `<error ${'a="b" '.repeat(length / 6)}>`, { root: 'error' }],
  ['an unclosed prolog', (length) => `<?xml ${'x'.repeat(length)}`, undefined],
  ['comments', (length) => '<!---->'.repeat(length / 7), undefined],
  ['nesting', (length) => `<error>${'<a>'.repeat(length / 3)}`, { root: 'error' }],
])('scans a million characters of %s in time', (_, bomb, found) => {
  const scanned = scanXml(bomb(1_000_000))
  expect(scanned).toEqual(found && { code: undefined, message: undefined, ...found })
})

test('does not decode numeric entities', () => {
  const text = '&#65;'.repeat(10_000)
  expect(scanXml(`<error><errorCode>1</errorCode><message>${text}</message></error>`)).toEqual({
    root: 'error',
    code: '1',
    message: text,
  })
})

import { describe, expect, test } from 'vitest'
import { retryAfterSeconds } from '../../../shared/web/retry-after.ts'

describe('Retry-After (RFC 9110, 10.2.3)', () => {
  const date = 'Sat, 21 Nov 2026 10:00:00 GMT'
  test.each<[string, Record<string, string>, number | undefined]>([
    ['seconds', { 'retry-after': '7' }, 7],
    ['no header', {}, undefined],
    ['zero', { 'retry-after': '0' }, 0],
    ['a date', { 'retry-after': 'Sat, 21 Nov 2026 10:00:09 GMT', date }, 9],
    ['a date that has passed', { 'retry-after': 'Sat, 21 Nov 2026 09:00:00 GMT', date }, undefined],
    [
      'a date in an answer without Date',
      { 'retry-after': 'Sat, 21 Nov 2026 10:00:09 GMT' },
      undefined,
    ],
    ['more than an hour', { 'retry-after': '86400' }, 3600],
    ['an absurd number', { 'retry-after': `1${'0'.repeat(30)}` }, 3600],
    ['a negative number', { 'retry-after': '-5' }, undefined],
    ['a fraction', { 'retry-after': '1.5' }, undefined],
    ['text', { 'retry-after': 'soon' }, undefined],
    ['an empty value', { 'retry-after': '' }, undefined],
  ])('reads %s', (_, headers, seconds) => {
    expect(retryAfterSeconds(new Headers(headers))).toBe(seconds)
  })
})

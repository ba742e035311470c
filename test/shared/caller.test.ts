import { describe, expect, test } from 'vitest'
import { isWellFormedKey, newKey, openKeyring } from '../../shared/caller.ts'
import { equalInConstantTime } from '../../shared/web/digest.ts'

// The test vector of the contract. Its digest comes from another implementation of SHA-256.
const key = 'nir_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd29Yx0s'
const sha256 = '8b32aa232b5625653414fdac1617f3382ed68546b2612c750a9dd444b4a71761'
const scopes = ['images:read' as const]

describe('the form of a key', () => {
  test('is valid for the test vector', () => {
    expect(isWellFormedKey(key)).toBe(true)
  })

  test('is invalid if one character is changed', () => {
    const others = [...key].flatMap((was, at) =>
      [...'0aZ_'].filter((is) => is !== was).map((is) => key.slice(0, at) + is + key.slice(at + 1)),
    )
    expect(others.filter(isWellFormedKey)).toEqual([])
  })

  test.each([
    ['another prefix', key.replace('nir_', 'ncr_')],
    ['a trailing space', `${key} `],
    ['a trailing line feed', `${key}\n`],
    ['one more character', `${key}0`],
    ['one character less', key.slice(0, -1)],
    ['no characters', ''],
  ])('is invalid with %s', (_, text) => {
    expect(isWellFormedKey(text)).toBe(false)
  })

  test('is valid for new keys, which all differ and use the whole alphabet', () => {
    const keys = Array.from({ length: 500 }, newKey)
    expect(keys.every(isWellFormedKey)).toBe(true)
    expect(new Set(keys).size).toBe(500)
    expect(new Set(keys.flatMap((one) => [...one.slice(4, 44)])).size).toBe(62)
  })
})

describe('the keyring', () => {
  const ring = openKeyring([{ id: 'ci', sha256, scopes, expiresAt: 2_000 }])

  test('finds a key by its digest, the second time too', async () => {
    for (let i = 0; i < 2; i++) {
      expect(await ring(key, 1_999)).toMatchObject({ caller: { name: 'key:ci', scopes } })
    }
  })

  test('refuses an expired key and returns its id', async () => {
    expect(await ring(key, 2_000)).toEqual({ refused: 'expired', id: 'ci' })
  })

  test('refuses any other key', async () => {
    expect(await ring(newKey(), 0)).toEqual({ refused: 'unknown-key' })
    expect(await ring('nir_mistyped', 0)).toEqual({ refused: 'unknown-key' })
  })

  test('accepts two keys of one id during a rotation', async () => {
    const both = openKeyring([
      { id: 'ci', sha256: '0'.repeat(64), scopes: [] },
      { id: 'ci', sha256, scopes },
    ])
    expect(await both(key, 0)).toMatchObject({ caller: { name: 'key:ci', scopes } })
  })
})

describe('the comparison', () => {
  test('distinguishes equal and unequal texts', () => {
    expect(equalInConstantTime('abc', 'abc')).toBe(true)
    expect(equalInConstantTime('abc', 'abd')).toBe(false)
    expect(equalInConstantTime('abc', 'ab')).toBe(false)
  })

  test.each([0, 31, 63])('reads every character even if number %i differs', (at) => {
    let reads = 0
    const text = '0'.repeat(64)
    const counting = Object.assign(Object(text), {
      charCodeAt(i: number) {
        reads++
        return text.charCodeAt(i)
      },
    })
    const other = `${text.slice(0, at)}1${text.slice(at + 1)}`
    expect(equalInConstantTime(counting, other)).toBe(false)
    expect(reads).toBe(64)
  })
})

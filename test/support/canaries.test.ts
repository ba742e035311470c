import { describe, expect, test } from 'vitest'
import { formsOf, leakSearch } from './canaries.ts'
import { keyOf } from './keys.ts'
import { leaksIn, openRelay } from './relay.ts'

const secret = 'CANARYsecret/with+odd=characters?'
const find = leakSearch({ secret })

describe('finds a planted secret', () => {
  const bytes = Buffer.from(secret)
  const padded = (before: string) => Buffer.from(`${before}${secret} and more`).toString('base64')
  test.each([
    ['plain', `x ${secret} y`],
    ['in hex', bytes.toString('hex')],
    ['in upper-case hex', bytes.toString('hex').toUpperCase()],
    ['in base64', bytes.toString('base64')],
    ['in base64, shifted by one byte', padded('1')],
    ['in base64, shifted by two bytes', padded('12')],
    ['in base64, shifted by three bytes', padded('123')],
    ['in base64url', Buffer.from(`12${secret}12`).toString('base64url')],
    ['with every byte URL-encoded', [...bytes].map((byte) => `%${byte.toString(16)}`).join('')],
  ])('%s', (_, text) => {
    expect(find(text)).toEqual(['secret'])
  })

  test('in an answer of the relay', async () => {
    const relay = await openRelay({ environment: { NCLOUD_REGION: 'KR' } })
    relay.gateway.images.change('12341457', { name: keyOf('ci') })
    await expect(relay.request('/v1/images/12341457')).rejects.toThrow('key of ci')
    await relay.close()
  })
})

test('does not find other texts', () => {
  expect(find('CANARYsecret without the rest')).toEqual([])
  expect(leaksIn(JSON.stringify({ access: 'TestAccessKey' }))).toEqual([])
})

test('forms are long enough to avoid chance matches', () => {
  expect(formsOf(secret).filter((form) => form.length < 20)).toEqual([])
})

import { describe, expect, test } from 'vitest'
import { formsOf, leakSearch } from './canaries.ts'
import { keyOf } from './keys.ts'
import { leaksIn, openRelay } from './relay.ts'

const secret = 'CANARYsecret/with+odd=characters?'
const find = leakSearch({ secret })

describe('a planted secret is found', () => {
  const bytes = Buffer.from(secret)
  const padded = (before: string) => Buffer.from(`${before}${secret} and more`).toString('base64')
  test.each([
    ['plain', `x ${secret} y`],
    ['in hex', bytes.toString('hex')],
    ['in upper-case hex', bytes.toString('hex').toUpperCase()],
    ['in base64', bytes.toString('base64')],
    ['in base64, one byte on', padded('1')],
    ['in base64, two bytes on', padded('12')],
    ['in base64, three bytes on', padded('123')],
    ['in base64url', Buffer.from(`12${secret}12`).toString('base64url')],
    ['URL-encoded to the last byte', [...bytes].map((byte) => `%${byte.toString(16)}`).join('')],
  ])('%s', (_, text) => {
    expect(find(text)).toEqual(['secret'])
  })

  test('in an answer and in a log line of the relay’s own', async () => {
    const relay = await openRelay({ environment: { NCLOUD_REGION: 'KR' } })
    relay.gateway.images.change('12341457', { name: keyOf('ci') })
    await expect(relay.request('/v1/images/12341457')).rejects.toThrow('key of ci')
    await relay.close()
  })
})

test('what is no secret is not found', () => {
  expect(find('CANARYsecret without the rest')).toEqual([])
  expect(leaksIn(JSON.stringify({ access: 'TestAccessKey' }))).toEqual([])
})

test('forms are long enough not to be met by chance', () => {
  expect(formsOf(secret).filter((form) => form.length < 20)).toEqual([])
})

import { describe, expect, test } from 'vitest'
import { signature, signatureHeaders, stringToSign } from '../../../shared/ncloud/signature.ts'
import vectors from '../../vectors/signature.json' with { type: 'json' }

describe.each(vectors)('vector $name', (vector) => {
  const { method, target, timestamp, accessKey, secretKey } = vector
  const text = `${method} ${target}\n${timestamp}\n${accessKey}`

  test('the string to sign has one space, two line feeds and no end of line', () => {
    expect(stringToSign(method, target, timestamp, accessKey)).toBe(text)
  })

  test('the signature is the published one', async () => {
    expect(await signature(text, { accessKey, secretKey })).toBe(vector.signature)
  })

  test('the headers carry it, the timestamp and the access key', async () => {
    const request = { method, url: new URL(target, 'https://ncloud.apigw.ntruss.com') }
    expect(await signatureHeaders(request, Number(timestamp), { accessKey, secretKey })).toEqual({
      'x-ncp-apigw-timestamp': timestamp,
      'x-ncp-iam-access-key': accessKey,
      'x-ncp-apigw-signature-v2': vector.signature,
    })
  })
})

test('a key is imported once for each pair', async () => {
  const imports: unknown[] = []
  const { importKey } = crypto.subtle
  const counting = Object.assign(crypto.subtle, {
    importKey: (...values: Parameters<typeof importKey>) => {
      imports.push(values)
      return importKey.apply(crypto.subtle, values)
    },
  })
  const pair = { accessKey: 'one', secretKey: 'first' }
  for (let i = 0; i < 5; i++) await signature('text', pair)
  await signature('text', { accessKey: 'one', secretKey: 'second' })
  Object.assign(counting, { importKey })
  expect(imports).toHaveLength(2)
})

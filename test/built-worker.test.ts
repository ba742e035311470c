import { readFile } from 'node:fs/promises'
import { SourceMap } from 'node:module'
import { expect, test, vi } from 'vitest'
import { openDoor } from './support/doors.ts'
import { environmentFor } from './support/relay.ts'

test('a failure in the built Worker is logged with the name and place of its function', async () => {
  // With text in place of the Durable Object, the store's first call fails inside the Worker.
  const environment = environmentFor('http://127.0.0.1:9', { OPERATIONS: 'no namespace' })
  const door = await openDoor('workerd, built', environment)
  const { status, json } = await door.request('/v1/operations')
  expect([status, json.code]).toEqual([503, 'store-unavailable'])
  const line = await vi.waitFor(() => {
    const found = door.output().match(/\{.*"event":"store".*\}/)?.[0]
    return JSON.parse(found ?? '')
  })
  await door.close()
  expect(line).toMatchObject({ level: 'error', requestId: json.requestId })
  // The function's name in functions/platform/cloudflare/operations-object.ts.
  const [, row, column] = /^TypeError at stub \([^)]*:(\d+):(\d+)\)/.exec(line.at) ?? []
  const map = new SourceMap(JSON.parse(await readFile('dist/worker.js.map', 'utf8')))
  expect(map.findOrigin(Number(row), Number(column))).toMatchObject({
    fileName: expect.stringMatching(/functions\/platform\/cloudflare\/operations-object\.ts$/),
  })
})

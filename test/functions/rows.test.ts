import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { ROUTES } from '../../functions/http/routes.ts'
import openapi from '../../functions/openapi.json' with { type: 'json' }
import type { Row } from '../../shared/api/row.ts'

/** Every row that a file of `shared/api` exports. */
const rows: Row[] = []
for (const file of readdirSync('shared/api')) {
  const exported: unknown[] = Object.values(await import(resolve('shared/api', file)))
  rows.push(...exported.filter(isRow))
}

function isRow(value: unknown): value is Row {
  return value instanceof Object && 'run' in value && 'output' in value
}

const names = rows.map(({ name }) => name).sort()

test('the rows are the questions and changes of the contract', () => {
  expect(names).toEqual([
    'createImage',
    'getImage',
    'getJob',
    'getMemberServerImage',
    'getOperation',
    'getServerImage',
    'listImages',
    'listJobs',
    'listOperations',
    'listSnapshots',
    'resolveOperation',
    'runJob',
  ])
})

test('every row has exactly one route', () => {
  expect(ROUTES.map(({ row }) => row.name).sort()).toEqual(names)
  expect(new Set(ROUTES.map(({ row }) => row))).toEqual(new Set(rows))
})

test('every row is an operation of the OpenAPI document with its name', () => {
  const paths = Object.entries(openapi.paths).filter(([path]) => path.startsWith('/v1/'))
  const operations = paths.flatMap(([, path]) => Object.values(path))
  const ids = operations.flatMap((one) => ('operationId' in one ? [one.operationId] : []))
  expect(ids.sort()).toEqual(names)
})

test('every summary is one sentence without a period', () => {
  for (const { summary } of rows) expect(summary).toMatch(/^[A-Z][a-z]+ [^.]+$/)
})

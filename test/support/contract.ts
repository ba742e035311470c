import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'vitest'
import openapi from '../../functions/openapi.json' with { type: 'json' }

interface Operation {
  responses: Record<string, { $ref?: string; content?: Record<string, { schema?: object }> }>
}

const ajv = new Ajv2020({ strict: false, allErrors: true })
ajv.addSchema(openapi, 'openapi')

const operations = Object.entries(openapi.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
    responses: (operation as unknown as Operation).responses,
  })),
)

/** Every response that the document describes, as `GET /v1/images 200`. */
export const documented = operations.flatMap(({ name, responses }) =>
  Object.keys(responses).map((status) => `${name} ${status}`),
)

/**
 * Asserts that the OpenAPI document describes an answer, and returns its name there. Answers without an operation
 * (404, 405) must be problems too.
 */
export function assertDocumented(
  request: { method: string; path: string },
  response: Response,
  text: string,
) {
  const pathname = request.path.replace(/\?.*/s, '')
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const operation = operations.find((one) => one.method === method && one.pattern.test(pathname))
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-fA-Z-]{16,36}$/)
  if (response.status === 304 || request.method === 'HEAD') expect(text).toBe('')
  else if (pathname.startsWith('/chat/') && response.status === 200) {
    // The chats' own documents describe it, not ours.
    return undefined
  } else if (type === 'application/problem+json' || type === 'application/json') {
    const body = JSON.parse(text)
    const isProblem = type === 'application/problem+json'
    expect(isProblem).toBe(response.status >= 400)
    const key = operation?.responses[response.status]?.content?.['application/json']?.schema
    assertFits(body, isProblem ? { $ref: '#/components/schemas/Problem' } : key)
    if (isProblem) {
      expect(body.requestId).toBe(response.headers.get('x-request-id'))
      expect(body.status).toBe(response.status)
    }
  } else expect(type).toBe('text/plain')
  const name = operation && `${operation.name} ${response.status}`
  if (name) expect(documented).toContain(name)
  else if (!pathname.startsWith('/chat/')) expect([404, 405, 503]).toContain(response.status)
  return name
}

const validators = new Map<string, ReturnType<typeof ajv.compile>>()

/** Asserts that a value fits a schema of the document. */
export function assertFits(body: unknown, schema: object | undefined) {
  const text = JSON.stringify(schema).replaceAll('#/', 'openapi#/')
  const validate = validators.get(text) ?? ajv.compile(JSON.parse(text))
  validators.set(text, validate)
  validate(body)
  expect(validate.errors ?? []).toEqual([])
}

import { writeFile } from 'node:fs/promises'
import type * as v from 'valibot'
import type { Route } from '../../functions/http/route.ts'
import { ROUTES } from '../../functions/http/routes.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { type ProblemCode, problemList } from '../../shared/problem.ts'
import { BODY_EXAMPLES, COMPONENT_EXAMPLES, TEXT_EXAMPLES } from './examples.ts'
import { COMPONENTS, componentSchema, jsonSchema, outputReference, reference } from './schemas.ts'

const JSON_TYPE = 'application/json'
const PROBLEM_TYPE = 'application/problem+json'
const TEXT = { 'text/plain': { schema: { type: 'string' } } }

/** The problems that every route with an API key can have. */
const COMMON_PROBLEMS: ProblemCode[] = [
  'malformed-request',
  'unauthenticated',
  'forbidden',
  'not-acceptable',
  'internal',
  'not-configured',
  'store-unavailable',
]

const TAGS = {
  Images: 'Images of servers, read from NAVER Cloud, and their creation.',
  Snapshots: 'Snapshots of storages, from which images are made.',
  Operations: 'Requested changes of NAVER Cloud, and the record that the relay keeps of each.',
  Jobs: 'Scheduled creations.',
  Relay: 'The relay itself. These routes need no key.',
}

/** The tag of each route, by the first part of its path. */
const TAG_OF: Record<string, keyof typeof TAGS> = {
  images: 'Images',
  'server-images': 'Images',
  'member-server-images': 'Images',
  snapshots: 'Snapshots',
  operations: 'Operations',
  jobs: 'Jobs',
}

const DESCRIPTIONS: Record<string, string> = {
  200: 'The result.',
  201: 'A new operation. NAVER Cloud accepted the request.',
  202: 'The operation is stored. The relay continues it by itself: read it later.',
}

const HEADERS = {
  'X-Request-Id': 'The id of this request, also in the log of the relay.',
  ETag: 'The version of the answer, for If-None-Match.',
  'Retry-After': 'The seconds after which to ask again, while the result is not final.',
  'Preference-Applied': 'The preference to wait that was followed.',
  Location: 'The path of the operation.',
  'Idempotent-Replayed': 'true, if the request repeats an earlier one.',
}

/** Returns the OpenAPI document, made from the schemas that validate input and type answers. */
export function openapi() {
  const paths: Record<string, Record<string, unknown>> = {
    '/': { get: publicOperation('getRelay', 'Show name, version and links of the relay') },
    '/healthz': { get: publicOperation('getHealth', 'Check that the relay runs') },
    '/readyz': {
      get: publicOperation(
        'getReadiness',
        'Check the settings and the store, and read the time of the last tick',
        [503],
      ),
    },
    '/openapi.json': { get: publicOperation('getDocument', 'Read this document') },
    '/problems': { get: publicOperation('listProblems', 'List the problem codes') },
  }
  for (const route of ROUTES) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: packageJson.name,
      version: packageJson.version,
      description: packageJson.description,
      license: { name: packageJson.license, identifier: packageJson.license },
    },
    servers: [{ url: '/', description: 'The relay that serves this document' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    security: [{ bearer: [] }, { apiKey: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key of the relay.' },
        apiKey: {
          type: 'apiKey',
          in: 'header',
          name: 'X-API-Key',
          description: 'An API key of the relay.',
        },
      },
      headers: Object.fromEntries(
        Object.entries(HEADERS).map(([name, description]) => [
          name,
          { description, schema: { type: 'string' } },
        ]),
      ),
      responses: {
        Problem: {
          description: 'A problem (RFC 9457).',
          headers: headersOf(['X-Request-Id', 'Retry-After']),
          content: { [PROBLEM_TYPE]: { schema: reference('Problem') }, ...TEXT },
        },
      },
      schemas: Object.fromEntries(
        Object.entries(COMPONENTS).map(([name, schema]) => {
          const example = COMPONENT_EXAMPLES[name]
          return [name, { ...componentSchema(schema), ...(example && { examples: [example] }) }]
        }),
      ),
    },
  }
}

function publicOperation(operationId: string, summary: string, problems: number[] = []) {
  const content = { [JSON_TYPE]: { schema: { type: 'object' } } }
  const headers = headersOf(['X-Request-Id', 'ETag'])
  return {
    operationId,
    summary,
    tags: ['Relay'],
    security: [],
    responses: {
      200: { description: 'The result.', headers, content },
      304: { description: 'The caller has this answer already.', headers },
      ...problemResponses(problems),
    },
  }
}

function operation(route: Route) {
  const { method, path, row, body } = route
  const { name, summary, scope, parameters, problems } = row
  const tag = TAG_OF[path.split('/')[2] ?? '']
  if (!tag) throw new Error(`${path} has no tag`)
  return {
    operationId: name,
    summary,
    description: `Needs the scope \`${scope}\`.`,
    tags: [tag],
    parameters: [...inputs(path, parameters), ...requestHeaders(route)],
    ...(body && requestBody(name, body)),
    responses: {
      ...successes(route),
      ...(method === 'GET' && {
        304: { description: 'The caller has this answer already.', headers: headersOf(['ETag']) },
      }),
      ...problemResponses(statusesOf([...COMMON_PROBLEMS, ...bodyProblems(body), ...problems])),
    },
  }
}

function successes(route: Route) {
  const { method, row, waits, successes } = route
  const headers = headersOf([
    'X-Request-Id',
    ...(method === 'GET' ? (['ETag'] as const) : []),
    ...(waits ? (['Retry-After', 'Preference-Applied'] as const) : []),
    ...(takesKey(route) ? (['Location', 'Idempotent-Replayed'] as const) : []),
  ])
  const example = TEXT_EXAMPLES[row.name]
  const text = { 'text/plain': { schema: { type: 'string' }, ...(example && { example }) } }
  return Object.fromEntries(
    Object.entries(successes).map(([status, schema]) => {
      const content = { [JSON_TYPE]: { schema: outputReference(schema) }, ...text }
      return [status, { description: DESCRIPTIONS[status], headers, content }]
    }),
  )
}

function headersOf(names: (keyof typeof HEADERS)[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

function requestBody(name: string, body: v.GenericSchema) {
  const required = body.type !== 'optional'
  const example = BODY_EXAMPLES[name]
  const content = { [JSON_TYPE]: { schema: jsonSchema(body), ...(example && { example }) } }
  return { requestBody: { required, content } }
}

/** Returns the problems of reading a body. An optional body can have any media type. */
function bodyProblems(body: v.GenericSchema | undefined): ProblemCode[] {
  if (!body) return []
  return body.type === 'optional'
    ? ['request-timeout', 'body-too-large']
    : ['request-timeout', 'body-too-large', 'unsupported-media-type']
}

/** Returns the statuses of problems. */
function statusesOf(codes: readonly ProblemCode[]): number[] {
  return problemList().flatMap(({ code, status }) => (codes.includes(code) ? status : []))
}

function inputs(path: string, schema: v.GenericSchema) {
  const { properties = {}, required = [] } = jsonSchema(schema)
  return Object.entries(properties).map(([name, schema]) => {
    const isInPath = path.includes(`:${name}`)
    return {
      name,
      in: isInPath ? 'path' : 'query',
      ...((isInPath || required.includes(name)) && { required: true }),
      schema,
    }
  })
}

function requestHeaders(route: Route) {
  const header = (name: string, description: string) => {
    return { name, in: 'header', description, schema: { type: 'string' } }
  }
  return [
    ...(route.method === 'GET' ? [header('If-None-Match', 'The ETag of an earlier answer.')] : []),
    ...(takesKey(route)
      ? [header('Idempotency-Key', 'A name for this change, 1 to 255 visible ASCII characters.')]
      : []),
    ...(route.waits
      ? [header('Prefer', '`wait=N` waits for the end, at most N seconds: 1 to 20.')]
      : []),
  ]
}

/** True for a route that starts an operation. */
function takesKey({ successes }: Route): boolean {
  return '201' in successes
}

function problemResponses(statuses: number[]) {
  const problem = { $ref: '#/components/responses/Problem' }
  return Object.fromEntries(statuses.map((status) => [status, problem]))
}

if (import.meta.main) {
  await writeFile('functions/openapi.json', `${JSON.stringify(openapi(), null, 2)}\n`)
}

import { writeFile } from 'node:fs/promises'
import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import type { Route } from '../functions/http/route.ts'
import { ROUTES } from '../functions/http/routes.ts'
import packageJson from '../package.json' with { type: 'json' }
import { createImage } from '../shared/api/create-image.ts'
import { getImage, listImages } from '../shared/api/images.ts'
import { getJob, listJobs } from '../shared/api/jobs.ts'
import { getOperation, listOperations } from '../shared/api/operations.ts'
import { listSnapshots } from '../shared/api/snapshots.ts'
import { DryRun } from '../shared/operations/create-image/dry-run.ts'
import { furtherStorages } from '../shared/operations/create-image/input.ts'
import { type ProblemCode, ProblemMembers, problemList } from '../shared/problem.ts'

const JSON_TYPE = 'application/json'
const PROBLEM_TYPE = 'application/problem+json'

/** The problems that every route with an API key can have. */
const COMMON_PROBLEMS: ProblemCode[] = [
  'malformed-request',
  'unauthenticated',
  'forbidden',
  'not-acceptable',
  'internal',
  'not-configured',
]

const COMPONENTS = {
  Image: getImage.output,
  Images: listImages.output,
  Snapshots: listSnapshots.output,
  Operation: getOperation.output,
  Job: getJob.output,
  Jobs: listJobs.output,
  Operations: listOperations.output,
  DryRun,
  OperationOrDryRun: createImage.output,
  Problem: v.object({
    ...ProblemMembers.entries,
    outcome: v.optional(v.literal('not-applied')),
    requestId: v.string(),
  }),
}

const COMPONENT_NAMES = new Map<unknown, string>(
  Object.entries(COMPONENTS).map(([name, schema]) => [schema, name]),
)

/** Returns the OpenAPI document, made from the schemas that validate input and type answers. */
export function openapi() {
  const paths: Record<string, Record<string, unknown>> = {
    '/': { get: publicOperation('Name, version and links of the relay', []) },
    '/healthz': { get: publicOperation('Check that the relay runs', []) },
    '/readyz': {
      get: publicOperation(
        'Check the settings and the store, and read the time of the last tick',
        [503],
      ),
    },
    '/openapi.json': { get: publicOperation('This document', []) },
    '/problems': { get: publicOperation('List the problem codes', []) },
  }
  for (const route of ROUTES) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: packageJson.name, version: packageJson.version },
    security: [{ bearer: [] }, { apiKey: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      responses: {
        Problem: {
          description: 'Problem',
          content: { [PROBLEM_TYPE]: { schema: reference('Problem') }, 'text/plain': {} },
        },
      },
      schemas: Object.fromEntries(
        Object.entries(COMPONENTS).map(([name, schema]) => [name, component(schema)]),
      ),
    },
  }
}

function publicOperation(summary: string, problems: number[]) {
  const content = { [JSON_TYPE]: { schema: { type: 'object' } } }
  const success = { 200: { description: 'OK', content }, 304: { description: 'Not modified' } }
  return { summary, security: [], responses: { ...success, ...problemResponses(problems) } }
}

function operation({ method, path, row, body, successes }: Route) {
  const { name, summary, scope, parameters, problems } = row
  const answers = Object.entries(successes).map(([status, schema]) => {
    const content = { [JSON_TYPE]: { schema: reference(componentName(schema)) }, 'text/plain': {} }
    return [status, { description: 'OK', content }]
  })
  return {
    operationId: name,
    summary: `${summary} (scope ${scope})`,
    parameters: [...inputs(path, parameters), ...headers(method, path)],
    ...(body && requestBody(body)),
    responses: {
      ...Object.fromEntries(answers),
      ...(method === 'GET' && { 304: { description: 'Not modified' } }),
      ...problemResponses(statusesOf([...COMMON_PROBLEMS, ...bodyProblems(body), ...problems])),
    },
  }
}

function requestBody(body: v.GenericSchema) {
  const required = body.type !== 'optional'
  return { requestBody: { required, content: { [JSON_TYPE]: { schema: json(body) } } } }
}

/** Returns the problems of reading a body. An optional body can have any media type. */
function bodyProblems(body: v.GenericSchema | undefined): ProblemCode[] {
  if (!body) return []
  return body.type === 'optional'
    ? ['body-too-large']
    : ['body-too-large', 'unsupported-media-type']
}

/** Returns the statuses of problems. */
function statusesOf(codes: readonly ProblemCode[]): number[] {
  return problemList().flatMap(({ code, status }) => (codes.includes(code) ? status : []))
}

function inputs(path: string, schema: v.GenericSchema) {
  const { properties = {}, required = [] } = json(schema)
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: path.includes(`:${name}`) ? 'path' : 'query',
    ...(required.includes(name) && { required: true }),
    schema,
  }))
}

function headers(method: string, path: string) {
  const header = (name: string) => ({ name, in: 'header', schema: { type: 'string' } })
  const waits = method === 'POST' || path.includes(':')
  return [
    header(method === 'POST' ? 'Idempotency-Key' : 'If-None-Match'),
    ...(waits ? [header('Prefer')] : []),
  ]
}

function problemResponses(statuses: number[]) {
  const problem = { $ref: '#/components/responses/Problem' }
  return Object.fromEntries(statuses.map((status) => [status, problem]))
}

/** Returns the schema of a component; parts that are components themselves become references. */
function component(schema: v.GenericSchema) {
  return json(schema, (part) => {
    const name = part === schema ? undefined : COMPONENT_NAMES.get(part)
    return name ? reference(name) : undefined
  })
}

function componentName(schema: v.GenericSchema): string {
  const name = COMPONENT_NAMES.get(schema)
  if (!name) throw new Error('The output of a row has no name among the components')
  return name
}

function reference(name: string) {
  return { $ref: `#/components/schemas/${name}` }
}

function json(
  schema: v.GenericSchema,
  override: (part: unknown) => object | undefined = () => undefined,
) {
  const config: ConversionConfig = {
    typeMode: 'input',
    target: 'draft-2020-12',
    // Some checks have no form in JSON Schema; only the validator knows them.
    errorMode: 'ignore',
    overrideSchema: ({ valibotSchema }) =>
      override(valibotSchema) ??
      (valibotSchema.type === 'lazy'
        ? { anyOf: furtherStorages.map((part) => json(part)) }
        : undefined),
    overrideAction: ({ valibotAction: action, jsonSchema }) => {
      return action.type === 'max_bytes' && 'requirement' in action
        ? { ...jsonSchema, description: `At most ${action.requirement} bytes of UTF-8` }
        : undefined
    },
  }
  const { $schema, $defs, ...rest } = toJsonSchema(schema, config)
  return rest
}

if (import.meta.main) {
  await writeFile('functions/openapi.json', `${JSON.stringify(openapi(), null, 2)}\n`)
}

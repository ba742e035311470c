import { writeFile } from 'node:fs/promises'
import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import type { Route } from '../functions/http/route.ts'
import { ROUTES } from '../functions/http/routes.ts'
import packageJson from '../package.json' with { type: 'json' }
import { JobSummary, JobView } from '../shared/api/jobs.ts'
import { Image } from '../shared/image.ts'
import { DryRun } from '../shared/operations/create-image/dry-run.ts'
import { furtherStorages } from '../shared/operations/create-image/input.ts'
import { OperationView } from '../shared/operations/view.ts'
import { ProblemMembers } from '../shared/problem.ts'
import { Snapshot } from '../shared/snapshot.ts'

const JSON_TYPE = 'application/json'
const PROBLEM_TYPE = 'application/problem+json'

/** The documentation of a route: its purpose, its successes by status, and the statuses of its problems. */
interface Documented {
  summary: string
  success: Record<number, string>
  problems: number[]
}

const imageProblems = [400, 401, 403, 404, 406, 422, 429, 502, 503, 504]
const listProblems = [400, 401, 403, 406, 422, 429, 502, 503, 504]

const DOCUMENTED: Record<string, Documented> = {
  'GET /v1/member-server-images/:no': {
    summary: 'Read an image of a XEN or RHV server',
    success: { 200: 'Image' },
    problems: imageProblems,
  },
  'GET /v1/server-images/:no': {
    summary: 'Read an image of any hypervisor',
    success: { 200: 'Image' },
    problems: imageProblems,
  },
  'GET /v1/images/:no': {
    summary: 'Read an image of either kind',
    success: { 200: 'Image' },
    problems: imageProblems,
  },
  'GET /v1/images': {
    summary: 'List own images with a name',
    success: { 200: 'Images' },
    problems: listProblems,
  },
  'GET /v1/snapshots': {
    summary: 'List snapshots',
    success: { 200: 'Snapshots' },
    problems: listProblems,
  },
  'POST /v1/server-images': {
    summary: 'Create an image from snapshots; with dryRun, only check the request',
    success: { 200: 'OperationOrDryRun', 201: 'Operation', 202: 'Operation' },
    problems: [400, 401, 403, 406, 409, 413, 415, 422, 429, 502, 503, 504],
  },
  'GET /v1/operations/:id': {
    summary: 'Read an operation',
    success: { 200: 'Operation' },
    problems: [400, 401, 403, 404, 406, 503],
  },
  'POST /v1/operations/:id/resolution': {
    summary: 'Settle a conflict: name the image, or abandon the operation',
    success: { 200: 'Operation' },
    problems: [400, 401, 403, 404, 406, 409, 413, 415, 422, 429, 502, 503, 504],
  },
  'GET /v1/operations': {
    summary: 'List own operations and those of jobs, newest first',
    success: { 200: 'Operations' },
    problems: [400, 401, 403, 406, 422, 503],
  },
  'GET /v1/jobs': {
    summary: 'List jobs with their next and last runs',
    success: { 200: 'Jobs' },
    problems: [400, 401, 403, 406, 503],
  },
  'GET /v1/jobs/:name': {
    summary: 'Read a job with its last runs',
    success: { 200: 'Job' },
    problems: [400, 401, 403, 404, 406, 503],
  },
  'POST /v1/jobs/:name/runs': {
    summary: 'Run a job now; the name of its image must contain {HHmm}',
    success: { 200: 'Operation', 201: 'Operation', 202: 'Operation' },
    problems: [400, 401, 403, 404, 406, 409, 413, 422, 429, 502, 503, 504],
  },
}

const COMPONENTS = {
  Image,
  Images: v.object({ items: v.array(Image) }),
  Snapshots: v.object({ items: v.array(Snapshot) }),
  Operation: OperationView,
  Job: JobView,
  Jobs: v.object({ items: v.array(JobSummary) }),
  Operations: v.object({ items: v.array(OperationView), next: v.optional(v.string()) }),
  DryRun,
  OperationOrDryRun: v.union([OperationView, DryRun]),
  Problem: v.object({
    ...ProblemMembers.entries,
    outcome: v.optional(v.literal('not-applied')),
    requestId: v.string(),
  }),
}

/** Returns the OpenAPI document, made from the schemas that validate input and type answers. */
export function openapi() {
  const paths: Record<string, Record<string, unknown>> = {
    '/': { get: publicOperation('Name, version and links of the relay', []) },
    '/healthz': { get: publicOperation('Check that the relay runs', []) },
    '/readyz': { get: publicOperation('Check the settings', [503]) },
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

function operation({ method, path, scope, parameters, body }: Route) {
  const documented = DOCUMENTED[`${method} ${path}`]
  if (!documented) throw new Error(`${method} ${path} is not documented`)
  const { summary, success, problems } = documented
  const successes = Object.entries(success).map(([status, name]) => {
    const content = { [JSON_TYPE]: { schema: reference(name) }, 'text/plain': {} }
    return [status, { description: 'OK', content }]
  })
  return {
    summary: `${summary} (scope ${scope})`,
    parameters: [...inputs(path, parameters), ...headers(method, path)],
    ...(body && {
      requestBody: {
        required: body.type !== 'optional',
        content: { [JSON_TYPE]: { schema: json(body) } },
      },
    }),
    responses: {
      ...Object.fromEntries(successes),
      ...(method === 'GET' && { 304: { description: 'Not modified' } }),
      ...problemResponses([...problems, 500]),
    },
  }
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
  const names = new Map(Object.entries(COMPONENTS).map(([name, part]) => [part, name] as const))
  return json(schema, (part) => {
    const name = part === schema ? undefined : names.get(part as never)
    return name ? reference(name) : undefined
  })
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

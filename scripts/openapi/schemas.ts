import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { createImage } from '../../shared/api/create-image.ts'
import { getImage, listImages } from '../../shared/api/images.ts'
import { getJob, listJobs } from '../../shared/api/jobs.ts'
import { getOperation, listOperations } from '../../shared/api/operations.ts'
import { listSnapshots } from '../../shared/api/snapshots.ts'
import { DryRun } from '../../shared/operations/create-image/dry-run.ts'
import { furtherStorages } from '../../shared/operations/create-image/input.ts'
import { ProblemMembers } from '../../shared/problem.ts'

/** The schemas that have a name in the document. */
export const COMPONENTS = {
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

const NAMES = new Map<unknown, string>(
  Object.entries(COMPONENTS).map(([name, schema]) => [schema, name]),
)

/** Returns the schema of a component; parts that are components themselves become references. */
export function componentSchema(schema: v.GenericSchema) {
  return jsonSchema(schema, (part) => {
    const name = part === schema ? undefined : NAMES.get(part)
    return name ? reference(name) : undefined
  })
}

/** Returns a reference to the component of an output. */
export function outputReference(output: v.GenericSchema) {
  const name = NAMES.get(output)
  if (!name) throw new Error('The output of a row has no name among COMPONENTS')
  return reference(name)
}

/** Returns a reference to a component. */
export function reference(name: string) {
  return { $ref: `#/components/schemas/${name}` }
}

/** Converts a schema of Valibot to JSON Schema. */
export function jsonSchema(
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
        ? { anyOf: furtherStorages.map((part) => jsonSchema(part)) }
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

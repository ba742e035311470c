import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec'

/** A CloudFormation template: the fields that are read here. */
export interface Template {
  Resources: Record<string, Resource>
  Outputs?: Record<string, unknown>
}

/** One resource of a template. */
export interface Resource {
  Type: string
  Properties?: Record<string, unknown>
  DependsOn?: string | string[]
  DeletionPolicy?: string
  UpdateReplacePolicy?: string
}

type Properties = NonNullable<ReturnType<typeof described>>['properties']
type Kind = Properties[string]['type']

/** Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html */
const PSEUDO_PARAMETERS = [
  'AWS::AccountId',
  'AWS::NoValue',
  'AWS::NotificationARNs',
  'AWS::Partition',
  'AWS::Region',
  'AWS::StackId',
  'AWS::StackName',
  'AWS::URLSuffix',
]

const spec = loadAwsServiceSpecSync()

/** Returns the faults of a template, by the specification of resources that AWS publishes. */
export function faultsOf(template: Template): string[] {
  const { Resources, Outputs } = template
  return [
    ...Object.entries(Resources).flatMap(([id, resource]) => [
      ...inResource(resource, id),
      ...[resource.DependsOn ?? []]
        .flat()
        .filter((other) => !Object.hasOwn(Resources, other))
        .map((other) => `${id}.DependsOn: no ${other}`),
    ]),
    ...referencesIn({ ...Resources, Outputs }, [])
      .filter(({ to }) => !isThere(to, template))
      .map(({ to, path }) => `${path.join('.')}: no ${to}`),
  ]
}

function described(type: string) {
  return spec.lookup('resource', 'cloudFormationType', 'equals', type)[0]
}

function inResource({ Type, Properties = {} }: Resource, id: string): string[] {
  const known = described(Type)
  return known
    ? inProperties(Properties, known.properties, `${id}.Properties`)
    : [`${id}.Type: unknown ${Type}`]
}

function inProperties(values: object, known: Properties, path: string): string[] {
  const missing = Object.keys(known)
    .filter((name) => known[name]?.required && !Object.hasOwn(values, name))
    .map((name) => `${path}.${name}: missing`)
  const faults = Object.entries(values).flatMap(([name, value]) => {
    const property = known[name]
    const at = `${path}.${name}`
    return property ? inValue(value, property.type, at) : [`${at}: unknown`]
  })
  return [...missing, ...faults]
}

function inValue(value: unknown, kind: Kind, path: string): string[] {
  if (isFunction(value)) return []
  const fault = [`${path}: no ${kind.type}`]
  switch (kind.type) {
    case 'string':
      if (typeof value !== 'string') return fault
      return kind.allowedValues?.includes(value) === false ? [`${path}: not ${value}`] : []
    case 'boolean':
    case 'number':
      return typeof value === kind.type ? [] : fault
    case 'integer':
      return Number.isInteger(value) ? [] : fault
    case 'array':
      if (!Array.isArray(value)) return fault
      return value.flatMap((element, i) => inValue(element, kind.element, `${path}.${i}`))
    case 'map':
      if (!isObject(value)) return fault
      return Object.entries(value).flatMap(([name, element]) =>
        inValue(element, kind.element, `${path}.${name}`),
      )
    case 'ref': {
      const { name, properties } = spec.get('typeDefinition', kind.reference)
      return isObject(value) ? inProperties(value, properties, path) : [`${path}: no ${name}`]
    }
    case 'json':
      return typeof value === 'object' ? [] : fault
    case 'union':
      return kind.types.some((one) => inValue(value, one, path).length === 0) ? [] : fault
    default:
      return []
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** True if only CloudFormation knows the value. */
function isFunction(value: unknown): boolean {
  if (!isObject(value)) return false
  const [name = '', ...others] = Object.keys(value)
  return others.length === 0 && (name === 'Ref' || name.startsWith('Fn::'))
}

/** Returns all references in a value, at any depth: `Id` or `Id.Attribute`. */
function referencesIn(value: unknown, path: string[]): { to: string; path: string[] }[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [
    ...namedBy(key, inner).map((to) => ({ to, path })),
    ...referencesIn(inner, [...path, key]),
  ])
}

function namedBy(key: string, argument: unknown): string[] {
  const [first, second] = [argument].flat()
  if (key === 'Ref') return [String(first)]
  if (key === 'Fn::GetAtt') return [[argument].flat().join('.')]
  if (key !== 'Fn::Sub') return []
  return [...String(first).matchAll(/\$\{([^!}]+)\}/g)]
    .map(([, name = '']) => name)
    .filter((name) => !Object.hasOwn(second ?? {}, name))
}

function isThere(name: string, { Resources }: Template): boolean {
  const dot = name.indexOf('.')
  if (dot < 0) return PSEUDO_PARAMETERS.includes(name) || Object.hasOwn(Resources, name)
  const resource = Resources[name.slice(0, dot)]
  const attributes = resource && described(resource.Type)?.attributes
  return Object.hasOwn(attributes ?? {}, name.slice(dot + 1))
}

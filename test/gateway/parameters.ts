import { isUtf8 } from 'node:buffer'
import { gatewayError, Refusal, responseError } from './refusals.ts'

/** The parameters of a request by their full names: `blockStorageList.1.order`. */
export type Parameters = Record<string, string>

/** The rule for a parameter's value. `says` follows the parameter's name in the refusal. */
export interface Rule {
  says: string
  holds(value: string): boolean
  required?: true
}

const MAX_INTEGER = 2_147_483_647
const decimal = /^(0|[1-9]\d*)$/

/** Any text. */
export const text: Rule = { says: 'may be anything', holds: () => true }

/** The number of a row. */
export const digits: Rule = { says: 'must be digits', holds: (value) => /^\d+$/.test(value) }

/** Returns the rule for one of some words. */
export function oneOf(...words: string[]): Rule {
  return { says: `must be one of ${words.join(', ')}`, holds: (value) => words.includes(value) }
}

/** Returns the rule for a decimal integer without sign or leading zeros. */
export function integer(from: number, to = MAX_INTEGER): Rule {
  return {
    says: `must be an integer from ${from} to ${to}`,
    holds: (value) => decimal.test(value) && Number(value) >= from && Number(value) <= to,
  }
}

const everywhere: Record<string, Rule> = {
  regionCode: oneOf('KR', 'SGN', 'JPN', 'KRS', 'FKR'),
  responseFormatType: text,
}

/** Decodes query and form leniently. `checkEncoding` reports the errors in them. */
export function decode(target: string, body: string): Parameters {
  return Object.fromEntries(new URLSearchParams(`${queryOf(target)}&${body}`))
}

/** @throws Refusal if the body is not a form, or a parameter is not UTF-8 or is repeated */
export function checkEncoding(
  request: { target: string; headers: Record<string, string> },
  body: Buffer,
) {
  const mediaType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (body.length > 0 && mediaType !== 'application/x-www-form-urlencoded') {
    refuseEncoding('The body must be application/x-www-form-urlencoded.')
  }
  const encoded = `${queryOf(request.target)}&${body}`
  if (!isUtf8(body) || !isDecodable(encoded)) refuseEncoding('The parameters must be UTF-8.')
  const names = [...new URLSearchParams(encoded).keys()]
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) refuseParameter(twice, 'must not be given twice')
}

function queryOf(target: string): string {
  const mark = target.indexOf('?')
  return mark === -1 ? '' : target.slice(mark + 1)
}

function isDecodable(encoded: string): boolean {
  try {
    decodeURIComponent(encoded)
    return true
  } catch {
    return false
  }
}

function refuseEncoding(details: string): never {
  throw new Refusal(gatewayError('badRequest', details))
}

/** @throws Refusal always, naming the parameter and its rule */
export function refuseParameter(name: string, says: string): never {
  throw new Refusal(responseError('parameter', `${name} ${says}`))
}

/** @throws Refusal if a parameter is unknown, missing, misnumbered or breaks its rule */
export function checkParameters(parameters: Parameters, own: Record<string, Rule>) {
  const rules = new Map(Object.entries({ ...everywhere, ...own }))
  for (const [name, value] of Object.entries(parameters)) {
    const rule = rules.get(name.replace(/\.\d+(?=\.|$)/, '.N'))
    if (!rule) refuseParameter(name, 'is not a parameter of this action')
    if (!rule.holds(value)) refuseParameter(name, rule.says)
  }
  for (const [name, rule] of rules) {
    if (rule.required && parameters[name] === undefined) refuseParameter(name, 'is required')
    if (name.includes('.N')) checkNumbering(parameters, name.replace(/\.N.*/, ''))
  }
}

function checkNumbering(parameters: Parameters, list: string) {
  const indexes = indexesOf(parameters, list)
  if (indexes.some((_, at) => !indexes.includes(String(at + 1)))) {
    refuseParameter(list, 'must be numbered from 1 without a gap')
  }
}

/** Returns each number N with a parameter `list.N` or `list.N.field`. */
export function indexesOf(parameters: Parameters, list: string): string[] {
  const names = Object.keys(parameters).filter((name) => name.startsWith(`${list}.`))
  return [...new Set(names.map((name) => name.split('.')[1] ?? ''))]
}

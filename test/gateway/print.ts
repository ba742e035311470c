import type { Document, Reply } from './refusals.ts'

/** The two values of responseFormatType. */
export type Format = 'json' | 'xml'

/** An HTTP answer, ready to send. */
export interface Answer {
  status: number
  headers?: Record<string, string>
  body: string | Uint8Array
}

const contentTypes = {
  json: 'application/json;charset=UTF-8',
  xml: 'application/xml;charset=UTF-8',
}

/** Formats a reply as JSON or XML. */
export function print(reply: Reply, format: Format): Answer {
  return {
    status: reply.status,
    headers: { 'Content-Type': contentTypes[format] },
    body: format === 'json' ? json(reply.document) : xml(reply.document),
  }
}

function json(document: Document): string {
  // Only the Server API's errors are known to be indented.
  return JSON.stringify(document, null, 'responseError' in document ? 2 : 0)
}

/**
 * Formats a document as XML. A success has the structure in the older documents. No document shows an error in XML:
 * `<error>` and `<responseError>` with the JSON keys as elements are an inference.
 */
function xml(document: Document): string {
  const elements = Object.entries(document).map(([root, value]) => element(root, value))
  return `<?xml version="1.0" encoding="UTF-8"?>${elements.join('')}`
}

const leading = ['requestId', 'returnCode', 'returnMessage', 'totalRows']

function element(name: string, value: unknown): string {
  return `<${name}>${content(name, value)}</${name}>`
}

function content(name: string, value: unknown): string {
  if (Array.isArray(value)) {
    return value.map((item) => element(name.replace(/List$/, ''), item)).join('')
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    const first = leading.flatMap((key) => entries.filter((entry) => entry[0] === key))
    const rest = entries.filter((entry) => !leading.includes(entry[0]))
    return [...first, ...rest].map((entry) => element(...entry)).join('')
  }
  return escaped(String(value ?? ''))
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\r': '&#13;',
}

function escaped(text: string): string {
  // XML 1.0 cannot represent the other control characters.
  return text.replace(/[&<>]|(?![\t\n])\p{Cc}/gu, (character) => entities[character] ?? '\uFFFD')
}

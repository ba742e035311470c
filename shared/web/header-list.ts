/** A member of a header's list. Parameter names are in lower case; a parameter without a value has the value ''. */
export interface HeaderMember {
  value: string
  parameters: Map<string, string>
}

/**
 * Splits a header into the members of its list (RFC 9110, 5.6.1), each with its parameters (5.6.6). Commas and semicolons in
 * quoted strings separate nothing. A quoted value is returned without its quotes.
 */
export function headerList(header: string): HeaderMember[] {
  return split(header, ',').map((member) => {
    const [value = '', ...parameters] = split(member, ';')
    return { value: unquoted(value), parameters: new Map(parameters.map(parameterOf)) }
  })
}

function parameterOf(text: string): [name: string, value: string] {
  const [name = '', ...value] = text.split('=')
  return [name.trim().toLowerCase(), unquoted(value.join('=').trim())]
}

/** Splits a text at a separator outside quoted strings, and leaves empty parts out. */
function split(text: string, separator: ',' | ';'): string[] {
  const parts = text.match(new RegExp(`(?:"(?:[^"\\\\]|\\\\.)*"?|[^"${separator}])+`, 'gs'))
  return (parts ?? []).map((part) => part.trim()).filter(Boolean)
}

/** Removes the quotes of a quoted string (RFC 9110, 5.6.4), and the backslashes in it. */
function unquoted(text: string): string {
  const [, quoted] = /^"((?:[^"\\]|\\.)*)"$/s.exec(text) ?? []
  return quoted === undefined ? text : quoted.replace(/\\(.)/gs, '$1')
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Parses a URL that secrets may be sent to: https, or http on loopback, without credentials; otherwise `undefined`. */
export function secureUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const { protocol, hostname, username, password } = url
  const isSecure = protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))
  return isSecure && !username && !password ? url : undefined
}

const MIN_MAJOR = 22
const MIN_MINOR = 18

/** Returns the message for a Node that is too old; `undefined` for others. Bun and Deno report a newer Node's version. */
export function versionFault(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isOld = major < MIN_MAJOR || (major === MIN_MAJOR && minor < MIN_MINOR)
  return isOld
    ? `Node ${MIN_MAJOR}.${MIN_MINOR} or later is required; this is ${major}.${minor}`
    : undefined
}

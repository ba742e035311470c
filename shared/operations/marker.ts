const MARKED = /^(.*?) ?\[relay:([0-9a-f]{16})\]$/s

/** The bytes that a marker takes in a description: one space and `[relay:` + 16 hex digits + `]`. */
export const MARKER_BYTES = 25

/** Returns the marker by which the relay finds an image: the first 16 hex digits of its key's hash. */
export function markerOf(keyHash: string): string {
  return keyHash.slice(0, 16)
}

/** Appends the marker to a description. */
export function marked(description: string | undefined, marker: string): string {
  return `${description ? `${description} ` : ''}[relay:${marker}]`
}

/** Splits a description into the caller's text and the relay's marker. */
export function unmarked(text: string): { description: string; marker: string | null } {
  const [, description = text, marker = null] = MARKED.exec(text) ?? []
  return { description, marker }
}

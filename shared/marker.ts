const MARKED = /^(.*?) ?\[relay:([0-9a-f]{16})\]$/s

/** Room that the marker takes in a description, in bytes: one space and `[relay:` + 16 hex digits + `]`. */
export const MARKER_BYTES = 25

/** The mark by which the relay knows an image as made for one key: the first 16 hex digits of its hash. */
export function markerOf(keyHash: string): string {
  return keyHash.slice(0, 16)
}

/** A description with the marker behind it, as the gateway keeps it. */
export function marked(description: string | undefined, marker: string): string {
  return `${description ? `${description} ` : ''}[relay:${marker}]`
}

/** A description as the gateway keeps it, parted again into the caller's text and the relay's marker. */
export function unmarked(text: string): { description: string; marker: string | null } {
  const [, description = text, marker = null] = MARKED.exec(text) ?? []
  return { description, marker }
}

const MARKER = /\[relay:([0-9a-f]{16})\]/g
/** A text before and after its last marker. */
const AROUND_LAST_MARKER = /^(.*)\[relay:[0-9a-f]{16}\](.*)$/s

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

/**
 * Returns the relay's markers in a description, wherever they stand. A description may have been edited, and a copied one
 * has the marker of another image.
 */
export function markersIn(text: string): string[] {
  return [...text.matchAll(MARKER)].map(([, marker = '']) => marker)
}

/** Returns a description without its last marker, which is the relay's, and without the space that separates it. */
export function withoutMarker(text: string): string {
  const around = AROUND_LAST_MARKER.exec(text)
  if (!around) return text
  const [, before = '', after = ''] = around
  if (before === '') return after.replace(/^ /, '')
  return before.replace(/ $/, '') + after
}

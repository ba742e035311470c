/** The width of a character of the pictures' font, in pixels at size 13. */
const CHARACTER = 7.2

const FONT = 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif'

/** Writes a picture on a white card, which is readable in light and dark pages. */
export function picture(width: number, height: number, title: string, parts: string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}" font-family='${FONT}' font-size="13">
<title>${escaped(title)}</title>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="#ffffff" stroke="#d0d7de"/>
${parts.join('\n')}
</svg>
`
}

/** Writes a line of text. */
export function text(x: number, y: number, content: string, style = ''): string {
  return `<text x="${x}" y="${y}" fill="#1f2328"${style && ` ${style}`}>${escaped(content)}</text>`
}

/** Estimates the width of a text in pixels. */
export function widthOf(content: string): number {
  return Math.ceil(content.length * CHARACTER)
}

/** Splits a text into lines of at most `maxLength` characters. */
export function wrapped(content: string, maxLength: number): string[] {
  const lines = ['']
  for (const word of content.split(' ')) {
    const last = lines.at(-1) ?? ''
    const longer = last ? `${last} ${word}` : word
    if (longer.length <= maxLength) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

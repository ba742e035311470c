/** The secrets of the tests. They are distinctive, so that any trace of one can be found. */
export const secrets = {
  accessKey: 'ncpiamCANARYaccess0A1B2C3D4E',
  secretKey: 'CANARYsecret9Zy8Xw7Vu6Ts5Rq4Po3Nm2Lk1Ji0Hg',
}

/** Returns all forms of a secret: plain, escaped, in hex, and in base64 at any alignment. */
export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const aligned = [0, 1, 2].flatMap((shift) => {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    // The ends depend on the neighbouring bytes.
    const inner = padded.slice(Math.ceil((shift * 8) / 6), -4)
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  const hex = bytes.toString('hex')
  return [secret, hex, hex.toUpperCase(), percent, percent.toUpperCase(), ...aligned]
}

/** Returns a search that finds the names of the secrets in a text, in any form. */
export function leakSearch(given: Record<string, string>): (text: string) => string[] {
  const searches = Object.entries(given).map(([name, secret]) => ({ name, forms: formsOf(secret) }))
  return (text) =>
    searches
      .filter(({ forms }) => forms.some((form) => text.includes(form)))
      .map(({ name }) => name)
}

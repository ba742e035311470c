const MAX_WORD_CHARACTERS = 40

/** Replaces characters that could steer a terminal, turn the writing direction or stay invisible, each by a space. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
}

/** Shortens a submitted word for a message: printable, and at most 40 characters of it. */
export function shortWord(word: string): string {
  const characters = [...printable(word).toWellFormed()]
  const isLong = characters.length > MAX_WORD_CHARACTERS
  return characters.slice(0, MAX_WORD_CHARACTERS).join('') + (isLong ? '…' : '')
}

/** Quotes a submitted name in a message. */
export function quoteName(name: string): string {
  return `"${shortWord(name)}"`
}
